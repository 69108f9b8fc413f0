//! The checks of a canvas that look at more than one thing at a time: cycles, references, names.

use std::collections::{BTreeMap, BTreeSet};

use crate::compile::Findings;
use crate::plan::{Edge, Node};
use crate::reference::{Input, Source};
use crate::value::{Type, Variable};

/// Words that the editor refuses as names.
const RESERVED: [&str; 9] = [
    "true", "false", "and", "or", "not", "null", "nil", "if", "switch",
];

/// Who comes before whom.
pub(crate) struct Graph {
    before: Vec<Vec<usize>>,
    /// `ancestors[n]` has bit m: a path leads from m to n. Empty if there is a cycle.
    ancestors: Vec<Vec<u64>>,
    /// Nodes that have no place in an order, because they are in a cycle or behind one.
    unordered: BTreeSet<usize>,
}

impl Graph {
    pub(crate) fn new(incoming: &[&[Edge]]) -> Self {
        let count = incoming.len();
        let mut before: Vec<Vec<usize>> = Vec::with_capacity(count);
        let mut after = vec![Vec::new(); count];
        for (to, edges) in incoming.iter().enumerate() {
            let mut sources: Vec<usize> = edges.iter().map(|edge| edge.from).collect();
            sources.sort_unstable();
            sources.dedup();
            for &from in &sources {
                if let Some(list) = after.get_mut(from) {
                    list.push(to);
                }
            }
            before.push(sources);
        }
        let mut missing: Vec<usize> = before.iter().map(Vec::len).collect();
        let mut ready: Vec<usize> = (0..count)
            .filter(|&at| missing.get(at) == Some(&0))
            .collect();
        let mut ancestors = vec![vec![0_u64; count.div_ceil(64)]; count];
        let mut unordered: BTreeSet<usize> = (0..count).collect();
        while let Some(at) = ready.pop() {
            unordered.remove(&at);
            let mut bits = ancestors.get(at).cloned().unwrap_or_default();
            set(&mut bits, at);
            for &next in after.get(at).into_iter().flatten() {
                for (to, from) in ancestors.get_mut(next).into_iter().flatten().zip(&bits) {
                    *to |= from;
                }
                if let Some(missing) = missing.get_mut(next) {
                    *missing -= 1;
                    if *missing == 0 {
                        ready.push(next);
                    }
                }
            }
        }
        if !unordered.is_empty() {
            ancestors.clear();
        }
        Self {
            before,
            ancestors,
            unordered,
        }
    }

    /// Does a path lead from `from` to `to`? With a cycle somewhere this cannot be told, and every
    /// reference counts as good: the cycle is what has to be mended first.
    pub(crate) fn is_before(&self, from: usize, to: usize) -> bool {
        match self.ancestors.get(to) {
            Some(bits) => bits
                .get(from / 64)
                .is_some_and(|word| word & (1 << (from % 64)) != 0),
            None => true,
        }
    }

    /// The cycles, each in the order of its edges; cycles that share a node may be shown as one.
    pub(crate) fn cycles(&self) -> Vec<Vec<usize>> {
        let mut left = self.unordered.clone();
        let mut cycles = Vec::new();
        while let Some(&first) = left.first() {
            // Walk backwards until a node comes up twice.
            let mut walk = vec![first];
            let mut places = BTreeMap::from([(first, 0)]);
            while let Some(&at) = walk.last() {
                let before = self
                    .before
                    .get(at)
                    .into_iter()
                    .flatten()
                    .find(|b| left.contains(b));
                match before {
                    // Nobody is left before it: it was only behind a cycle.
                    None => {
                        left.remove(&at);
                        places.remove(&at);
                        walk.pop();
                    }
                    Some(before) => match places.get(before) {
                        Some(&start) => {
                            let mut cycle = walk.split_off(start);
                            for node in &cycle {
                                left.remove(node);
                                places.remove(node);
                            }
                            // In the order of the edges, from the smallest node: always the same.
                            cycle.reverse();
                            let smallest = cycle.iter().enumerate().min_by_key(|(_, node)| **node);
                            let turn = smallest.map_or(0, |(at, _)| at);
                            cycle.rotate_left(turn);
                            cycles.push(cycle);
                        }
                        None => {
                            places.insert(*before, walk.len());
                            walk.push(*before);
                        }
                    },
                }
            }
        }
        cycles
    }
}

fn set(bits: &mut [u64], at: usize) {
    if let Some(word) = bits.get_mut(at / 64) {
        *word |= 1 << (at % 64);
    }
}

/// Where references of a body may lead.
pub(crate) struct Scope<'a> {
    pub(crate) index: &'a BTreeMap<String, usize>,
    /// Every id the canvas has at this level, also of nodes that were dropped.
    pub(crate) known: &'a BTreeSet<String>,
    pub(crate) outer: &'a BTreeSet<&'a str>,
    pub(crate) graph: &'a Graph,
}

/// Checks what a node refers to; returns the nodes it reads.
pub(crate) fn references(
    at: usize,
    node: &Node,
    extra: &[Input],
    scope: &Scope<'_>,
    findings: &mut Findings,
) -> Vec<usize> {
    let place = (node.info.id.as_str(), node.info.title.as_str());
    let mut data = BTreeSet::new();
    for input in node.inputs.iter().chain(extra) {
        let name = &input.name;
        input.leaves(&mut |source| match source {
            Source::Missing(how) => findings.error(place, format!("`{name}` {how}")),
            Source::Node { node: id, .. } => match scope.index.get(id) {
                // In batch mode a node means its own current item.
                Some(&other) if other == at => {}
                Some(&other) => {
                    data.insert(other);
                    if !scope.graph.is_before(other, at) {
                        let message = format!(
                            "`{name}` refers to node {id}, which does not come before it: \
                             connect the two or choose another source"
                        );
                        findings.error(place, message);
                    }
                }
                None if scope.outer.contains(id.as_str()) => {}
                None if scope.known.contains(id) => {
                    let message = format!(
                        "`{name}` refers to node {id}, which never runs: connect that node"
                    );
                    findings.error(place, message);
                }
                None => {
                    let message = format!(
                        "`{name}` refers to node {id}, which does not exist: choose another source"
                    );
                    findings.error(place, message);
                }
            },
            Source::Literal(_) | Source::Global { .. } | Source::Object(_) => {}
        });
    }
    data.into_iter().collect()
}

/// Checks a list of names that stand side by side.
pub(crate) fn names<'a>(
    what: &str,
    names: impl Iterator<Item = &'a str>,
    place: (&str, &str),
    findings: &mut Findings,
) {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            findings.error(
                place,
                format!("two of its {what}s are named `{name}`: rename one"),
            );
        } else if !is_name(name) {
            let message = format!(
                "`{name}` is not a good name for an {what}: \
                 use letters, digits and _, begin with a letter, and avoid words like true or if"
            );
            findings.warning(place, message);
        }
    }
}

/// Checks declared variables and their fields.
pub(crate) fn variables(variables: &[Variable], place: (&str, &str), findings: &mut Findings) {
    names(
        "output",
        variables.iter().map(|variable| variable.name.as_str()),
        place,
        findings,
    );
    for variable in variables {
        let mut ty = &variable.ty;
        while let Type::List(element) = ty {
            ty = element;
        }
        if let Type::Object(fields) = ty {
            self::variables(fields, place, findings);
        }
    }
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    let first = bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    let lower = name.to_ascii_lowercase();
    first
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !RESERVED.contains(&lower.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Port;

    fn graph(count: usize, edges: &[(usize, usize)]) -> Graph {
        let mut incoming = vec![Vec::new(); count];
        for &(from, to) in edges {
            incoming[to].push(Edge {
                from,
                port: Port::Plain,
            });
        }
        let incoming: Vec<_> = incoming.iter().map(Vec::as_slice).collect();
        Graph::new(&incoming)
    }

    #[test]
    fn cycles() {
        for (count, edges, expected) in [
            (3, &[(0, 1), (1, 2)][..], vec![]),
            (1, &[(0, 0)][..], vec![vec![0]]),
            (4, &[(0, 1), (1, 2), (2, 1), (2, 3)][..], vec![vec![1, 2]]),
            (
                5,
                &[(3, 1), (1, 4), (4, 3), (0, 1), (4, 2)][..],
                vec![vec![1, 4, 3]],
            ),
            (
                4,
                &[(0, 1), (1, 0), (2, 3), (3, 2)][..],
                vec![vec![0, 1], vec![2, 3]],
            ),
        ] {
            assert_eq!(graph(count, edges).cycles(), expected, "{edges:?}");
        }
    }

    #[test]
    fn order() {
        let graph = graph(70, &[(0, 69), (69, 1), (2, 1)]);
        assert!(graph.is_before(0, 1) && graph.is_before(69, 1) && graph.is_before(2, 1));
        assert!(!graph.is_before(1, 0) && !graph.is_before(0, 0) && !graph.is_before(2, 69));
    }

    #[test]
    fn good_names() {
        for (name, good) in [
            ("a", true),
            ("_a1", true),
            ("USER_INPUT", true),
            ("1a", false),
            ("", false),
            ("a-b", false),
            ("名", false),
            ("If", false),
            ("TRUE", false),
            ("iffy", true),
        ] {
            assert_eq!(is_name(name), good, "{name}");
        }
    }
}
