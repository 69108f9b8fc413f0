//! 8 condition: the first branch whose conditions hold, else the default one.

use serde_json::{Map, Value};

use super::{Context, Done};
use crate::code::NodeError;
use crate::condition::Operator;
use crate::plan::Port;
use crate::reference::Input;

#[derive(Debug)]
pub(crate) struct ConditionSpec {
    pub(crate) branches: Vec<Branch>,
}

#[derive(Debug)]
pub(crate) struct Branch {
    /// One condition is enough.
    any: bool,
    conditions: Vec<Comparison>,
}

#[derive(Debug)]
struct Comparison {
    left: Input,
    operator: Operator,
    right: Option<Input>,
}

pub(crate) fn compile(
    inputs: &Map<String, Value>,
    extra: &mut Vec<Input>,
) -> Result<ConditionSpec, String> {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let mut branches = Vec::new();
    for (at, branch) in list(inputs.get("branches")).iter().enumerate() {
        let place = at + 1;
        let condition = branch.get("condition").unwrap_or(&Value::Null);
        let any = match condition.get("logic").and_then(Value::as_u64) {
            Some(1) => true,
            Some(2) | None => false,
            Some(other) => {
                return Err(format!(
                    "branch {place}: logic {other} is unknown: use 1 (or) or 2 (and)"
                ));
            }
        };
        let mut conditions = Vec::new();
        for wire in list(condition.get("conditions")) {
            let number = wire.get("operator").and_then(Value::as_u64);
            let operator = number.and_then(Operator::from_number).ok_or_else(|| {
                let shown = wire.get("operator").unwrap_or(&Value::Null);
                format!("branch {place}: operator {shown} is unknown: use 1 to 16")
            })?;
            let operand = |side: &str| {
                let block = wire.get(side).and_then(|side| side.get("input"));
                Input::from_block(side, block.unwrap_or(&Value::Null))
            };
            let left = operand("left");
            let right = operator.is_binary().then(|| operand("right"));
            extra.push(left.clone());
            extra.extend(right.clone());
            conditions.push(Comparison {
                left,
                operator,
                right,
            });
        }
        if conditions.is_empty() {
            return Err(format!(
                "branch {place} has no condition: add one or delete the branch"
            ));
        }
        branches.push(Branch { any, conditions });
    }
    Ok(ConditionSpec { branches })
}

pub(crate) fn begin(spec: &ConditionSpec, context: &mut Context<'_>) -> Result<Done, NodeError> {
    let mut chosen = None;
    for (at, branch) in spec.branches.iter().enumerate() {
        if holds(branch, at, context)? {
            chosen = Some(at);
            break;
        }
    }
    let (port, note) = match chosen {
        Some(0) => (Port::Branch(0), "passed to the if branch".to_owned()),
        Some(at) => (Port::Branch(at), format!("passed to else-if branch {at}")),
        None => (Port::Default, "passed to the else branch".to_owned()),
    };
    Ok(Done {
        outputs: Map::new(),
        port,
        note: Some(note),
    })
}

/// All conditions are looked at only as far as they decide.
fn holds(branch: &Branch, at: usize, context: &mut Context<'_>) -> Result<bool, NodeError> {
    for comparison in &branch.conditions {
        let left = context.resolve(&comparison.left)?;
        let right = match &comparison.right {
            Some(input) => context.resolve(input)?,
            None => Value::Null,
        };
        let held = comparison
            .operator
            .holds(&left, &right)
            .map_err(|message| NodeError::failed(format!("branch {}: {message}", at + 1)))?;
        if held == branch.any {
            return Ok(held);
        }
    }
    Ok(!branch.any)
}
