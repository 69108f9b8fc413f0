//! What the built-in model can say, in the language it was asked in.

/// A language that the built-in model speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Chinese,
    English,
    Japanese,
    Korean,
    Russian,
    French,
    German,
    Spanish,
}

/// The sentences of a language; `{}` is filled in.
pub(super) struct Phrases {
    /// Who it is.
    pub(super) introduction: &'static str,
    /// What it answers to anything else; `{}` is the question.
    pub(super) echo: &'static str,
    /// The result of a calculation.
    pub(super) result: &'static str,
    /// The time.
    pub(super) time: &'static str,
    /// What was said before.
    pub(super) said: &'static str,
    /// Nothing was said before.
    pub(super) nothing_said: &'static str,
    /// Its prompt.
    pub(super) prompt: &'static str,
    /// It has no prompt.
    pub(super) no_prompt: &'static str,
    /// What a tool returned.
    pub(super) tool: &'static str,
    /// What the knowledge base holds about the question.
    pub(super) knowledge: &'static str,
    /// What came with the message besides text; `{}` is the number.
    pub(super) images: &'static str,
}

pub(crate) fn is_cjk(character: char) -> bool {
    matches!(character, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// The language of a text: by its script, and among Latin ones by its commonest words.
pub(super) fn detect(text: &str) -> Language {
    let has = |range: std::ops::RangeInclusive<char>| text.chars().any(|it| range.contains(&it));
    if has('\u{3040}'..='\u{30ff}') {
        return Language::Japanese;
    }
    if has('\u{ac00}'..='\u{d7af}') {
        return Language::Korean;
    }
    if text.chars().any(is_cjk) {
        return Language::Chinese;
    }
    if has('\u{400}'..='\u{4ff}') {
        return Language::Russian;
    }
    let text = text.to_lowercase();
    let words: Vec<&str> = text.split(|it: char| !it.is_alphabetic()).collect();
    let count = |list: &[&str]| words.iter().filter(|word| list.contains(word)).count();
    let french = count(&[
        "je", "tu", "vous", "est", "les", "des", "une", "bonjour", "quelle", "qui",
    ]);
    let german = count(&[
        "ich", "du", "sie", "ist", "und", "der", "das", "hallo", "wie", "wer", "was",
    ]);
    let spanish = count(&[
        "el", "los", "es", "una", "hola", "qué", "que", "quién", "cómo", "eres",
    ]);
    let best = french.max(german).max(spanish);
    match best {
        0 => Language::English,
        _ if best == french => Language::French,
        _ if best == german => Language::German,
        _ => Language::Spanish,
    }
}

/// What a model is told that is to suggest questions, in the language of the talk.
pub(crate) fn suggestion_prompt(talk: &str) -> &'static str {
    match detect(talk) {
        Language::Chinese => {
            "根据下面的对话，写出用户接下来最可能问的三个问题。站在用户的角度写，每行一个问题，每个不超过 \
             30 个字，不要编号，不要写别的内容。"
        }
        Language::English => {
            "From the conversation below, write the three questions that the user is most likely to ask \
             next. Write them as the user would, one on each line, at most 15 words each, without numbers \
             and without anything else."
        }
        Language::Japanese => {
            "以下の会話をもとに、ユーザーが次に尋ねそうな質問を三つ書いてください。ユーザーの立場で、一行に一つ、\
             番号や余計な文は付けずに短く書いてください。"
        }
        Language::Korean => {
            "아래 대화를 바탕으로 사용자가 다음에 물어볼 만한 질문 세 개를 쓰세요. 사용자의 입장에서 한 줄에 \
             하나씩, 번호나 다른 말 없이 짧게 쓰세요."
        }
        Language::Russian => {
            "По разговору ниже напишите три вопроса, которые пользователь скорее всего задаст дальше. От лица \
             пользователя, по одному в строке, коротко, без номеров и без другого текста."
        }
        Language::French => {
            "D'après la conversation ci-dessous, écrivez les trois questions que l'utilisateur posera \
             probablement ensuite. Écrivez comme lui, une par ligne, brièvement, sans numéros ni autre texte."
        }
        Language::German => {
            "Schreibe nach dem folgenden Gespräch die drei Fragen, die der Nutzer am ehesten als Nächstes \
             stellt. Aus seiner Sicht, eine je Zeile, kurz, ohne Nummern und ohne anderen Text."
        }
        Language::Spanish => {
            "A partir de la conversación siguiente, escribe las tres preguntas que el usuario hará \
             probablemente después. Desde su punto de vista, una por línea, breves, sin números ni otro texto."
        }
    }
}

impl Language {
    pub(super) fn phrases(self) -> &'static Phrases {
        match self {
            Self::Chinese => &CHINESE,
            Self::English => &ENGLISH,
            Self::Japanese => &JAPANESE,
            Self::Korean => &KOREAN,
            Self::Russian => &RUSSIAN,
            Self::French => &FRENCH,
            Self::German => &GERMAN,
            Self::Spanish => &SPANISH,
        }
    }
}

static CHINESE: Phrases = Phrases {
    introduction: "你好！我是 coze-rs 内置的离线模型，不是大语言模型：我按固定规则作答，同样的问题总得到同样的\
                   回答，不联网，也不需要密钥。我会做算术、报时间，能复述你刚才说的话。要得到真正的智能回答，\
                   请在 coze.yaml 里配置一个兼容 OpenAI 的模型。",
    echo: "我收到了你的消息：“{}”。我是离线模型，只会按规则作答；问我“你是谁”可以了解我能做什么。",
    result: "计算结果是 {}。",
    time: "现在的时间是 {}。",
    said: "你刚才说的是：“{}”。",
    nothing_said: "在这句话之前，你还没有说过什么。",
    prompt: "我的提示词是：{}",
    no_prompt: "我没有提示词。",
    tool: "工具返回了：{}",
    knowledge: "知识库里写着：{}",
    images: "另外收到 {} 张图片，离线模型看不懂图片内容。",
};

static ENGLISH: Phrases = Phrases {
    introduction: "Hello! I am the offline model built into coze-rs, not a large language model: I follow \
                   fixed rules, so the same question always gets the same answer, and I need no network and \
                   no key. I can do arithmetic, tell the time and repeat what you said before. For real \
                   answers, set an OpenAI-compatible model in coze.yaml.",
    echo: "I received your message: \"{}\". I am the offline model and only follow rules; ask me who I am to \
           learn what I can do.",
    result: "The result is {}.",
    time: "The time is {}.",
    said: "You said before: \"{}\".",
    nothing_said: "You have not said anything before this.",
    prompt: "My prompt is: {}",
    no_prompt: "I have no prompt.",
    tool: "The tool returned: {}",
    knowledge: "The knowledge base says: {}",
    images: "I also received {} image(s), whose content the offline model cannot see.",
};

static JAPANESE: Phrases = Phrases {
    introduction: "こんにちは。私は coze-rs に組み込まれたオフラインモデルで、大規模言語モデルではありません。\
                   決まった規則で答えるので、同じ質問には必ず同じ答えを返します。計算と時刻の案内ができます。",
    echo: "メッセージを受け取りました：「{}」。私は規則どおりに答えるオフラインモデルです。",
    result: "計算結果は {} です。",
    time: "現在の時刻は {} です。",
    said: "先ほどのあなたの発言は「{}」です。",
    nothing_said: "これより前の発言はありません。",
    prompt: "私のプロンプトは次のとおりです：{}",
    no_prompt: "プロンプトはありません。",
    tool: "ツールの結果：{}",
    knowledge: "ナレッジベースより：{}",
    images: "画像を {} 枚受け取りましたが、オフラインモデルは画像を見られません。",
};

static KOREAN: Phrases = Phrases {
    introduction: "안녕하세요. 저는 coze-rs에 내장된 오프라인 모델이며 대규모 언어 모델이 아닙니다. 정해진 규칙대로 \
                   답하므로 같은 질문에는 항상 같은 답을 합니다. 계산을 하고 시간을 알려 줄 수 있습니다.",
    echo: "메시지를 받았습니다: \"{}\". 저는 규칙대로만 답하는 오프라인 모델입니다.",
    result: "계산 결과는 {}입니다.",
    time: "현재 시각은 {}입니다.",
    said: "방금 하신 말씀은 \"{}\"입니다.",
    nothing_said: "이전에 하신 말씀이 없습니다.",
    prompt: "제 프롬프트는 다음과 같습니다: {}",
    no_prompt: "프롬프트가 없습니다.",
    tool: "도구의 결과: {}",
    knowledge: "지식 베이스에 따르면: {}",
    images: "이미지 {}장을 받았지만 오프라인 모델은 이미지를 볼 수 없습니다.",
};

static RUSSIAN: Phrases = Phrases {
    introduction: "Здравствуйте! Я встроенная в coze-rs офлайн-модель, а не большая языковая модель: отвечаю по \
                   постоянным правилам, на один и тот же вопрос всегда одинаково. Умею считать и называть время.",
    echo: "Ваше сообщение получено: «{}». Я офлайн-модель и отвечаю только по правилам.",
    result: "Результат: {}.",
    time: "Сейчас {}.",
    said: "До этого вы сказали: «{}».",
    nothing_said: "До этого вы ничего не говорили.",
    prompt: "Мой промпт: {}",
    no_prompt: "У меня нет промпта.",
    tool: "Инструмент вернул: {}",
    knowledge: "В базе знаний сказано: {}",
    images: "Получено изображений: {}; офлайн-модель их не видит.",
};

static FRENCH: Phrases = Phrases {
    introduction: "Bonjour ! Je suis le modèle hors ligne intégré à coze-rs, pas un grand modèle de langage : je \
                   suis des règles fixes et la même question reçoit toujours la même réponse. Je sais calculer \
                   et donner l'heure.",
    echo: "J'ai reçu votre message : « {} ». Je suis le modèle hors ligne et ne fais que suivre des règles.",
    result: "Le résultat est {}.",
    time: "Il est {}.",
    said: "Vous avez dit avant : « {} ».",
    nothing_said: "Vous n'avez rien dit avant cela.",
    prompt: "Mon prompt est : {}",
    no_prompt: "Je n'ai pas de prompt.",
    tool: "L'outil a renvoyé : {}",
    knowledge: "La base de connaissances dit : {}",
    images: "J'ai aussi reçu {} image(s), que le modèle hors ligne ne peut pas voir.",
};

static GERMAN: Phrases = Phrases {
    introduction: "Hallo! Ich bin das in coze-rs eingebaute Offline-Modell, kein großes Sprachmodell: Ich folge \
                   festen Regeln, dieselbe Frage bekommt immer dieselbe Antwort. Ich kann rechnen und die \
                   Uhrzeit nennen.",
    echo: "Ich habe deine Nachricht erhalten: „{}“. Ich bin das Offline-Modell und folge nur Regeln.",
    result: "Das Ergebnis ist {}.",
    time: "Es ist {}.",
    said: "Davor hast du gesagt: „{}“.",
    nothing_said: "Davor hast du nichts gesagt.",
    prompt: "Mein Prompt lautet: {}",
    no_prompt: "Ich habe keinen Prompt.",
    tool: "Das Werkzeug gab zurück: {}",
    knowledge: "In der Wissensbasis steht: {}",
    images: "Ich habe auch {} Bild(er) erhalten, die das Offline-Modell nicht sehen kann.",
};

static SPANISH: Phrases = Phrases {
    introduction: "¡Hola! Soy el modelo sin conexión integrado en coze-rs, no un gran modelo de lenguaje: sigo \
                   reglas fijas y la misma pregunta recibe siempre la misma respuesta. Sé calcular y decir la \
                   hora.",
    echo: "He recibido tu mensaje: «{}». Soy el modelo sin conexión y solo sigo reglas.",
    result: "El resultado es {}.",
    time: "Son las {}.",
    said: "Antes dijiste: «{}».",
    nothing_said: "No has dicho nada antes de esto.",
    prompt: "Mi prompt es: {}",
    no_prompt: "No tengo prompt.",
    tool: "La herramienta devolvió: {}",
    knowledge: "La base de conocimiento dice: {}",
    images: "También recibí {} imagen(es), que el modelo sin conexión no puede ver.",
};
