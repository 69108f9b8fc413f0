//! Arithmetic: `+ - * / % ^` and parentheses, in integers as long as they stay exact.

/// The arithmetic expression in a question, in plain signs; words in English and Chinese count.
pub(crate) fn find(question: &str) -> Option<String> {
    let mut text = question.to_lowercase();
    for (word, sign) in [
        ("divided by", "/"),
        ("multiplied by", "*"),
        ("times", "*"),
        ("plus", "+"),
        ("minus", "-"),
        ("乘以", "*"),
        ("除以", "/"),
        ("加上", "+"),
        ("减去", "-"),
        ("×", "*"),
        ("÷", "/"),
        ("乘", "*"),
        ("加", "+"),
        ("减", "-"),
        ("（", "("),
        ("）", ")"),
        ("−", "-"),
    ] {
        text = text.replace(word, sign);
    }
    let allowed = |it: char| it.is_ascii_digit() || ".+-*/%^() ".contains(it);
    text.split(|it| !allowed(it))
        .map(|part| part.trim_matches(|it: char| it == ' ' || it == '.'))
        .filter(|part| is_calculation(part))
        .max_by_key(|part| part.len())
        .map(|part| part.split(' ').collect())
}

/// Two numbers with a sign between them; a date such as 2024-10-01 or a lone "-3" is none.
fn is_calculation(part: &str) -> bool {
    let signs = part
        .bytes()
        .enumerate()
        .filter(|(at, it)| *at > 0 && b"+-*/%^".contains(it));
    let signs: Vec<u8> = signs.map(|(_, it)| it).collect();
    let numbers = part
        .split(|it: char| !it.is_ascii_digit() && it != '.')
        .filter(|it| !it.is_empty());
    let numbers: Vec<&str> = numbers.collect();
    let date = signs == b"--" && numbers.first().is_some_and(|year| year.len() == 4);
    !signs.is_empty() && numbers.len() >= 2 && !date && evaluate(part).is_ok()
}

/// The value of an expression, as text.
pub(crate) fn evaluate(expression: &str) -> Result<String, &'static str> {
    let mut reader = Reader {
        text: expression.as_bytes(),
        at: 0,
        depth: 0,
    };
    let value = reader.sum()?;
    reader.space();
    if reader.at < reader.text.len() {
        return Err("the expression has something behind its end");
    }
    Ok(match value {
        Number::Whole(value) => value.to_string(),
        Number::Float(value) if !value.is_finite() => return Err("the result is not a number"),
        Number::Float(value) => {
            // Fifteen digits: what a float holds without noise.
            let text = format!("{value:.*}", decimals(value));
            match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
                false => text,
            }
        }
    })
}

fn decimals(value: f64) -> usize {
    let digits = value.abs().log10().floor().clamp(0.0, 15.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0..=15"
    )]
    let digits = digits as usize;
    14usize.saturating_sub(digits)
}

#[derive(Debug, Clone, Copy)]
enum Number {
    Whole(i128),
    Float(f64),
}

impl Number {
    #[expect(clippy::cast_precision_loss, reason = "that is what a float is")]
    fn float(self) -> f64 {
        match self {
            Self::Whole(value) => value as f64,
            Self::Float(value) => value,
        }
    }

    fn combine(
        self,
        other: Self,
        whole: fn(i128, i128) -> Option<i128>,
        float: fn(f64, f64) -> f64,
    ) -> Self {
        let exact = match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => whole(a, b),
            _ => None,
        };
        exact.map_or_else(
            || Self::Float(float(self.float(), other.float())),
            Self::Whole,
        )
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn space(&mut self) {
        while self.text.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
    }

    fn take(&mut self, signs: &[u8]) -> Option<u8> {
        self.space();
        let sign = *self.text.get(self.at)?;
        signs.contains(&sign).then(|| {
            self.at += 1;
            sign
        })
    }

    fn sum(&mut self) -> Result<Number, &'static str> {
        let mut value = self.product()?;
        while let Some(sign) = self.take(b"+-") {
            let other = self.product()?;
            value = match sign {
                b'+' => value.combine(other, i128::checked_add, |a, b| a + b),
                _ => value.combine(other, i128::checked_sub, |a, b| a - b),
            };
        }
        Ok(value)
    }

    fn product(&mut self) -> Result<Number, &'static str> {
        let mut value = self.power()?;
        while let Some(sign) = self.take(b"*/%") {
            let other = self.power()?;
            if sign != b'*' && other.float() == 0.0 {
                return Err("division by zero");
            }
            value = match sign {
                b'*' => value.combine(other, i128::checked_mul, |a, b| a * b),
                b'%' => value.combine(other, i128::checked_rem, |a, b| a % b),
                _ => {
                    let exact =
                        |a: i128, b: i128| (a.checked_rem(b)? == 0).then(|| a.checked_div(b))?;
                    value.combine(other, exact, |a, b| a / b)
                }
            };
        }
        Ok(value)
    }

    fn power(&mut self) -> Result<Number, &'static str> {
        let base = self.value()?;
        if self.take(b"^").is_none() {
            return Ok(base);
        }
        self.depth += 1;
        if self.depth > 64 {
            return Err("the expression is nested too deeply");
        }
        let exponent = self.power()?;
        self.depth -= 1;
        let exact = |a: i128, b: i128| a.checked_pow(u32::try_from(b).ok()?);
        Ok(base.combine(exponent, exact, f64::powf))
    }

    fn value(&mut self) -> Result<Number, &'static str> {
        if self.take(b"-").is_some() {
            return self.nested(Self::value).map(|value| match value {
                Number::Whole(value) => Number::Whole(-value),
                Number::Float(value) => Number::Float(-value),
            });
        }
        if self.take(b"(").is_some() {
            let value = self.nested(Self::sum)?;
            return self
                .take(b")")
                .map(|_| value)
                .ok_or("a parenthesis is not closed");
        }
        self.space();
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest
            .iter()
            .take_while(|it| it.is_ascii_digit() || **it == b'.')
            .count();
        let digits = rest.get(..length).unwrap_or_default();
        self.at += length;
        let digits = std::str::from_utf8(digits).unwrap_or_default();
        // At most 30 digits, so that a sign in front can never overflow.
        match digits.parse::<i128>() {
            Ok(value) if digits.len() <= 30 => Ok(Number::Whole(value)),
            _ => digits
                .parse()
                .map(Number::Float)
                .map_err(|_| "a number is missing"),
        }
    }

    fn nested(
        &mut self,
        read: fn(&mut Self) -> Result<Number, &'static str>,
    ) -> Result<Number, &'static str> {
        self.depth += 1;
        if self.depth > 64 {
            return Err("the expression is nested too deeply");
        }
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        fn check(expression: &str, expected: Result<&str, &str>) {
            let result = evaluate(expression);
            assert_eq!(
                result.as_deref().map_err(|why| *why),
                expected,
                "{expression}"
            );
        }
        check("12*34", Ok("408"));
        check("1+2*3-4/2", Ok("5"));
        check("(1+2)*3", Ok("9"));
        check("2^10", Ok("1024"));
        check("2^3^2", Ok("512"));
        check("7/2", Ok("3.5"));
        check("0.1+0.2", Ok("0.3"));
        check("-3 - -4", Ok("1"));
        check("99999999999999999999*10", Ok("999999999999999999990"));
        check("1/3", Ok("0.33333333333333"));
        check("10%3", Ok("1"));
        check("1/0", Err("division by zero"));
        check("(1", Err("a parenthesis is not closed"));
        check("1+", Err("a number is missing"));
        check(
            &"(".repeat(1000),
            Err("the expression is nested too deeply"),
        );
        check(
            &"-".repeat(1000),
            Err("the expression is nested too deeply"),
        );
        check("2^9999", Err("the result is not a number"));
    }

    #[test]
    fn expressions_are_found_in_questions() {
        fn check(question: &str, expected: Option<&str>) {
            assert_eq!(find(question).as_deref(), expected, "{question}");
        }
        check("What is 12 * 34?", Some("12*34"));
        check("12乘以34等于多少", Some("12*34"));
        check("请算 (1+2)×3。", Some("(1+2)*3"));
        check("7 divided by 2", Some("7/2"));
        check("2024-10-01 是星期几", None);
        check("I am 30", None);
        check("hello", None);
        check("call 555-1234.", Some("555-1234"));
    }
}
