//! From the nodes and edges of a canvas to a [`Plan`]: what is dropped, who comes before whom, who
//! streams into whom. What the author has to mend becomes a [`Diagnostic`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::canvas::{WireEdge, WireNode};
use crate::catalogue::NodeType;
use crate::check;
use crate::diagnostic::{Diagnostic, Severity};
use crate::node::{self, NodeSpec};
use crate::path::NodeId;
use crate::plan::{Body, Edge, ErrorPolicy, Node, NodeInfo, OnError, Plan, Port};
use crate::reference::{Input, Source};
use crate::value::Variable;

/// More findings of one severity than this help nobody.
const MAX_FINDINGS: usize = 1000;

/// Collects findings.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) list: Vec<Diagnostic>,
}

impl Findings {
    pub(crate) fn error(&mut self, (id, title): (&str, &str), message: impl Into<String>) {
        self.add(Severity::Error, id, title, message.into());
    }

    pub(crate) fn warning(&mut self, (id, title): (&str, &str), message: impl Into<String>) {
        self.add(Severity::Warning, id, title, message.into());
    }

    fn add(&mut self, severity: Severity, id: &str, title: &str, message: String) {
        // Each severity has its own room: a flood of warnings must not hide an error.
        let same = |finding: &&Diagnostic| finding.severity == severity;
        if self.list.len() >= MAX_FINDINGS && self.list.iter().filter(same).count() >= MAX_FINDINGS
        {
            return;
        }
        let (node_id, node_title) = (id.to_owned(), title.to_owned());
        self.list.push(Diagnostic {
            severity,
            node_id,
            node_title,
            message,
        });
    }
}

/// What lies around a body.
struct Around<'a> {
    /// The container; `None` for the workflow itself.
    container: Option<&'a str>,
    /// Outer nodes that the nodes inside may refer to.
    visible: BTreeSet<&'a str>,
}

/// A node whose references are not checked yet.
struct Draft {
    node: Node,
    extra: Vec<Input>,
    wire: WireNode,
}

pub(crate) fn compile(nodes: &[Value], edges: &[Value]) -> (Plan, Vec<Diagnostic>) {
    let mut findings = Findings::default();
    let around = Around {
        container: None,
        visible: BTreeSet::new(),
    };
    let mut root = compile_body(nodes, edges, &around, &mut findings);
    let start = one_of(&root, "1", "start", &mut findings);
    let end = one_of(&root, "2", "end", &mut findings);
    if let (Some(start), Some(end)) = (start, end)
        && !reached(&root, start).get(end).copied().unwrap_or(false)
    {
        let info = &root.nodes.get(end).map(|node| node.info.clone());
        if let Some(info) = info {
            let place = (info.id.as_str(), info.title.as_str());
            findings.error(place, "no path leads here from the start node: connect it");
        }
    }
    connect_streams(&mut root);
    let diagnostics = findings.list;
    let errors = diagnostics
        .iter()
        .filter(|finding| finding.is_error())
        .cloned()
        .collect();
    (
        Plan {
            root,
            start,
            end,
            errors,
        },
        diagnostics,
    )
}

/// The one node of a type that there must be.
fn one_of(body: &Body, number: &str, name: &str, findings: &mut Findings) -> Option<usize> {
    let mut found = None;
    for (at, node) in body.nodes.iter().enumerate() {
        if node.info.node_type.number() != number {
            continue;
        }
        if found.is_some() {
            let place = (node.info.id.as_str(), node.info.title.as_str());
            findings.error(place, format!("it is a second {name} node: delete it"));
        } else {
            found = Some(at);
        }
    }
    if found.is_none() {
        let message = format!("the workflow has no {name} node (type {number}): add one");
        findings.error(("", ""), message);
    }
    found
}

fn compile_body(
    nodes: &[Value],
    edges: &[Value],
    around: &Around<'_>,
    findings: &mut Findings,
) -> Body {
    let wires = read_nodes(nodes, findings);
    let edges = read_edges(edges, &wires.dropped, &wires.kept, around, findings);
    let wires = drop_unreached(wires.kept, &edges, around, findings);
    let mut drafts: Vec<Draft> = wires
        .into_iter()
        .map(|wire| draft(wire, findings))
        .collect();

    let ids = drafts.iter().enumerate();
    let index: BTreeMap<String, usize> = ids
        .map(|(at, draft)| (draft.node.info.id.as_str().to_owned(), at))
        .collect();
    let mut seen = BTreeSet::new();
    for edge in &edges {
        let (from, to) = (index.get(&edge.source), index.get(&edge.target));
        if let (Some(&from), Some(&to)) = (from, to)
            && seen.insert((from, to, Port::from_wire(&edge.port)))
            && let Some(target) = drafts.get_mut(to)
        {
            let port = Port::from_wire(&edge.port);
            target.node.incoming.push(Edge { from, port });
        }
    }
    let incoming: Vec<_> = drafts
        .iter()
        .map(|draft| draft.node.incoming.as_slice())
        .collect();
    let graph = check::Graph::new(&incoming);
    let known: BTreeSet<String> = nodes
        .iter()
        .filter_map(|node| node.get("id").and_then(Value::as_str).map(str::to_owned))
        .collect();
    for cycle in graph.cycles() {
        let names: Vec<_> = cycle
            .iter()
            .filter_map(|&at| drafts.get(at).map(|draft| draft.node.info.name()))
            .collect();
        let first = cycle.first().and_then(|&at| drafts.get(at));
        let place = first.map_or(("", ""), |draft| place(&draft.node));
        let message = format!(
            "these nodes form a cycle: {}: delete one of its edges",
            names.join(" -> ")
        );
        findings.error(place, message);
    }

    // Per draft: the nodes it reads, and the body inside it.
    let mut found = Vec::with_capacity(drafts.len());
    for (at, draft) in drafts.iter().enumerate() {
        let scope = check::Scope {
            index: &index,
            known: &known,
            outer: &around.visible,
            graph: &graph,
        };
        let data = check::references(at, &draft.node, &draft.extra, &scope, findings);
        let body = (!draft.wire.blocks.is_empty()).then(|| {
            let mut visible = around.visible.clone();
            visible.insert(draft.node.info.id.as_str());
            let upstream = drafts
                .iter()
                .enumerate()
                .filter(|(other, _)| graph.is_before(*other, at));
            visible.extend(upstream.map(|(_, draft)| draft.node.info.id.as_str()));
            let around = Around {
                container: Some(draft.node.info.id.as_str()),
                visible,
            };
            compile_body(&draft.wire.blocks, &draft.wire.edges, &around, findings)
        });
        found.push((data, body));
    }
    check_ports(&drafts, findings);
    let nodes = drafts.into_iter().zip(found);
    let nodes = nodes.map(|(draft, (data, body))| Node {
        data,
        body,
        ..draft.node
    });
    let mut nodes: Vec<Node> = nodes.collect();
    let mut dependents = vec![BTreeSet::new(); nodes.len()];
    for (to, node) in nodes.iter().enumerate() {
        for from in node
            .incoming
            .iter()
            .map(|edge| edge.from)
            .chain(node.data.iter().copied())
        {
            if let Some(set) = dependents.get_mut(from) {
                set.insert(to);
            }
        }
    }
    for (node, set) in nodes.iter_mut().zip(dependents) {
        node.dependents = set.into_iter().collect();
    }
    Body { nodes, index }
}

fn place(node: &Node) -> (&str, &str) {
    (node.info.id.as_str(), node.info.title.as_str())
}

struct Wires {
    kept: Vec<WireNode>,
    /// Ids of comments: edges to them mean nothing.
    dropped: BTreeSet<String>,
}

fn read_nodes(nodes: &[Value], findings: &mut Findings) -> Wires {
    let mut kept: Vec<WireNode> = Vec::new();
    let mut dropped = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for value in nodes {
        let wire = WireNode::deserialize(value).unwrap_or_else(|error| {
            let mut wire = WireNode::remains(value);
            findings.error(
                (&wire.id, wire.title()),
                format!("it cannot be read: {error}"),
            );
            // Whatever it was: it cannot run.
            wire.number = String::new();
            wire
        });
        if wire.number == "31" {
            dropped.insert(wire.id);
            continue;
        }
        if wire.id.is_empty() {
            findings.error(("", wire.title()), "a node has no id: give it one");
            continue;
        }
        if !ids.insert(wire.id.clone()) {
            let message = "another node has the same id: give one of them a new id";
            findings.error((&wire.id, wire.title()), message);
            continue;
        }
        kept.push(wire);
    }
    Wires { kept, dropped }
}

fn read_edges(
    edges: &[Value],
    comments: &BTreeSet<String>,
    nodes: &[WireNode],
    around: &Around<'_>,
    findings: &mut Findings,
) -> Vec<WireEdge> {
    let titles: BTreeMap<&str, &str> = nodes
        .iter()
        .map(|node| (node.id.as_str(), node.title()))
        .collect();
    let mut kept = Vec::new();
    for value in edges {
        let edge = match WireEdge::deserialize(value) {
            Ok(edge) => edge,
            Err(error) => {
                findings.error(
                    ("", ""),
                    format!("an edge cannot be read ({error}): delete it"),
                );
                continue;
            }
        };
        let is_there = |id: &str| titles.contains_key(id) || around.container == Some(id);
        let missing = [&edge.source, &edge.target]
            .into_iter()
            .find(|id| !is_there(id));
        match missing {
            Some(id) if comments.contains(id) => {}
            Some(id) => {
                let other = if *id == edge.source {
                    &edge.target
                } else {
                    &edge.source
                };
                let title = titles.get(other.as_str()).copied().unwrap_or("");
                let message = format!(
                    "an edge from {} to {} ends nowhere: there is no node {id}: delete the edge",
                    edge.source, edge.target
                );
                findings.error((other, title), message);
            }
            None => kept.push(edge),
        }
    }
    kept
}

/// Nodes that no path from the start (or from the container around them) reaches do nothing.
fn drop_unreached(
    wires: Vec<WireNode>,
    edges: &[WireEdge],
    around: &Around<'_>,
    findings: &mut Findings,
) -> Vec<WireNode> {
    let starts: Vec<&str> = match around.container {
        Some(container) => vec![container],
        None => wires
            .iter()
            .filter(|w| w.number == "1")
            .map(|w| w.id.as_str())
            .collect(),
    };
    if starts.is_empty() {
        return wires;
    }
    let mut next: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for edge in edges {
        next.entry(&edge.source).or_default().push(&edge.target);
    }
    let mut reached: BTreeSet<String> = starts.iter().map(|id| (*id).to_owned()).collect();
    let mut todo = starts;
    while let Some(id) = todo.pop() {
        for target in next.get(id).into_iter().flatten() {
            if reached.insert((*target).to_owned()) {
                todo.push(target);
            }
        }
    }
    let is_end = |wire: &WireNode| wire.number == "2" && around.container.is_none();
    let (kept, dropped): (Vec<_>, Vec<_>) = wires
        .into_iter()
        .partition(|wire| reached.contains(&wire.id) || is_end(wire));
    for wire in &dropped {
        let message = "no path leads here, so it never runs: connect it or delete it";
        findings.warning((&wire.id, wire.title()), message);
    }
    kept
}

fn draft(wire: WireNode, findings: &mut Findings) -> Draft {
    let place = (wire.id.as_str(), wire.title());
    let node_type = NodeType::from_number(&wire.number);
    let outputs: Vec<Variable> = wire.data.outputs.iter().map(Variable::from_json).collect();
    let mut inputs = Input::list_from_json(wire.data.inputs.get("inputParameters"));
    let mut extra = Vec::new();
    let spec = node::compile(&node_type, &wire, &outputs, &mut extra).unwrap_or_else(|message| {
        findings.error(place, message.clone());
        NodeSpec::Unsupported(message)
    });
    if let NodeSpec::Unsupported(why) = &spec
        && !wire.number.is_empty()
    {
        // Their inputs follow rules of their own (set variable has no names, for example).
        inputs.retain(|input| !input.name.is_empty());
        let message = format!("it {why}: a run that reaches it fails");
        let known = |it: &Diagnostic| it.node_id == wire.id && it.is_error();
        if !findings.list.iter().any(known) {
            findings.warning(place, message);
        }
    }
    let names = inputs.iter().map(|input| input.name.as_str());
    check::names("input", names, place, findings);
    check::variables(&outputs, place, findings);
    let on_error = on_error(&wire.data.inputs, place, findings);
    let info = NodeInfo {
        id: NodeId::from(wire.id.as_str()),
        title: wire.title().to_owned(),
        node_type,
    };
    let node = Node {
        info: Arc::new(info),
        incoming: Vec::new(),
        data: Vec::new(),
        dependents: Vec::new(),
        inputs,
        outputs,
        on_error,
        spec,
        body: None,
        streams_from: Vec::new(),
        streams_to: Vec::new(),
    };
    Draft { node, extra, wire }
}

fn on_error(inputs: &Map<String, Value>, place: (&str, &str), findings: &mut Findings) -> OnError {
    let Some(settings) = inputs.get("settingOnError").filter(|s| s.is_object()) else {
        return OnError::default();
    };
    let number = |key| settings.get(key).and_then(Value::as_u64);
    let data = match settings.get("dataOnErr") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    };
    let switched = settings.get("switch").and_then(Value::as_bool) == Some(true);
    let policy = match number("processType") {
        Some(3) => ErrorPolicy::Branch,
        Some(2) if data.is_empty() => {
            let message = "on failure it gives its default outputs, but there are none: \
                           fill in the exception handling";
            findings.error(place, message);
            ErrorPolicy::Throw
        }
        Some(2) => ErrorPolicy::Default(data),
        None if switched && !data.is_empty() => ErrorPolicy::Default(data),
        _ => ErrorPolicy::Throw,
    };
    // The editor of coze.cn spells it both ways.
    let ext = |key| {
        settings
            .get("ext")
            .and_then(|ext| ext.get(key))
            .and_then(Value::as_str)
    };
    let backup = ext("backupLLMParam").or_else(|| ext("backupLLmParam"));
    OnError {
        policy,
        timeout_ms: number("timeoutMs").filter(|timeout| *timeout > 0),
        retries: u32::try_from(number("retryTimes").unwrap_or(0)).unwrap_or(u32::MAX),
        backup_model: backup.filter(|text| !text.is_empty()).map(str::to_owned),
    }
}

/// Branches that lead nowhere.
fn check_ports(drafts: &[Draft], findings: &mut Findings) {
    let mut used: Vec<BTreeSet<&Port>> = vec![BTreeSet::new(); drafts.len()];
    for draft in drafts {
        for edge in &draft.node.incoming {
            if let Some(ports) = used.get_mut(edge.from) {
                ports.insert(&edge.port);
            }
        }
    }
    for (draft, used) in drafts.iter().zip(used) {
        let place = place(&draft.node);
        for port in &used {
            if let Port::Unknown(name) = port {
                findings.warning(
                    place,
                    format!("an edge leaves at the unknown port {name:?}: connect it anew"),
                );
            }
        }
        let Some(branches) = draft.node.spec.branches() else {
            continue;
        };
        if used.contains(&Port::Plain) {
            continue;
        }
        let mut open: Vec<String> = (0..branches)
            .filter(|branch| !used.contains(&Port::Branch(*branch)))
            .map(|branch| format!("branch {}", branch + 1))
            .collect();
        if !used.contains(&Port::Default) {
            open.push("the default branch".into());
        }
        if !open.is_empty() {
            let open = open.join(", ");
            findings.warning(place, format!("{open} leads nowhere: connect it"));
        }
    }
}

/// Which nodes are reached from `start`.
fn reached(body: &Body, start: usize) -> Vec<bool> {
    let mut next = vec![Vec::new(); body.nodes.len()];
    for (to, node) in body.nodes.iter().enumerate() {
        for edge in &node.incoming {
            if let Some(list) = next.get_mut(edge.from) {
                list.push(to);
            }
        }
    }
    let mut seen = vec![false; body.nodes.len()];
    let mut todo = vec![start];
    while let Some(at) = todo.pop() {
        match seen.get_mut(at) {
            Some(seen) if !*seen => *seen = true,
            _ => continue,
        }
        todo.extend(next.get(at).into_iter().flatten());
    }
    seen
}

/// Finds who may show whose text while it is produced.
///
/// A node that gives default outputs or takes another way when it fails does not stream: what was
/// shown could not be taken back.
fn connect_streams(body: &mut Body) {
    let mut pairs = Vec::new();
    for (to, node) in body.nodes.iter().enumerate() {
        if !node
            .spec
            .emission()
            .is_some_and(|emission| emission.streaming)
        {
            continue;
        }
        for input in &node.inputs {
            if let Some(from) = streaming_source(body, input)
                && !pairs.contains(&(from, to))
            {
                pairs.push((from, to));
            }
        }
    }
    for (from, to) in pairs {
        if let Some(node) = body.nodes.get_mut(from) {
            node.streams_to.push(to);
        }
        if let Some(node) = body.nodes.get_mut(to) {
            node.streams_from.push(from);
        }
    }
}

/// The node whose text, all of it and nothing else, is the value of this input.
pub(crate) fn streaming_source(body: &Body, input: &Input) -> Option<usize> {
    let Source::Node { node, path } = &input.source else {
        return None;
    };
    let from = *body.index.get(node)?;
    let producer = body.nodes.get(from)?;
    let NodeSpec::Llm(llm) = &producer.spec else {
        return None;
    };
    let is_text = matches!(input.ty, crate::Type::String | crate::Type::Any);
    let [name] = path.as_slice() else { return None };
    let streams = llm.text_output() == Some(name) && producer.on_error.policy == ErrorPolicy::Throw;
    (is_text && streams).then_some(from)
}
