//! Builds canvases: the JSON that the workflow editor stores.

use serde_json::{Value, json};

pub(crate) const START: &str = "100001";
pub(crate) const END: &str = "900001";

/// A text that stands in the canvas itself.
pub(crate) fn literal(text: &str) -> Value {
    json!({"type": "string", "value": {"type": "literal", "content": text}})
}

/// What another node put out.
pub(crate) fn reference(node: &str, name: &str) -> Value {
    typed_reference(node, name, "string")
}

pub(crate) fn typed_reference(node: &str, name: &str, kind: &str) -> Value {
    let content = json!({"source": "block-output", "blockID": node, "name": name});
    json!({"type": kind, "value": {"type": "ref", "content": content}})
}

fn inputs(inputs: &[(&str, Value)]) -> Value {
    inputs
        .iter()
        .map(|(name, input)| json!({"name": name, "input": input}))
        .collect()
}

#[derive(Default)]
pub(crate) struct Canvas {
    nodes: Vec<Value>,
    edges: Vec<Value>,
}

impl Canvas {
    fn node(mut self, id: &str, kind: &str, title: &str, mut data: Value) -> Self {
        data["nodeMeta"] =
            json!({"title": title, "description": "", "icon": "", "subTitle": title});
        self.nodes.push(json!({
            "id": id, "type": kind, "blocks": [], "edges": null,
            "meta": {"position": {"x": 0.5, "y": 1.0}}, "data": data,
        }));
        self
    }

    /// A node whose inputs are written out; `outputs` are names and types.
    pub(crate) fn other(
        self,
        id: &str,
        kind: &str,
        mut settings: Value,
        given: &[(&str, Value)],
        outputs: &Value,
    ) -> Self {
        settings["inputParameters"] = inputs(given);
        self.node(
            id,
            kind,
            kind,
            json!({"inputs": settings, "outputs": outputs}),
        )
    }

    /// Each input is a name and a type; all are required.
    pub(crate) fn start(self, variables: &[(&str, &str)]) -> Self {
        let outputs: Value = variables
            .iter()
            .map(|(name, kind)| json!({"name": name, "type": kind, "required": true}))
            .collect();
        self.node(START, "1", "Start", json!({"outputs": outputs}))
    }

    pub(crate) fn chatflow_start(self) -> Self {
        let outputs = json!([
            {"name": "USER_INPUT", "type": "string", "required": false},
            {"name": "CONVERSATION_NAME", "type": "string", "required": false, "defaultValue": "Default"},
        ]);
        self.node(START, "1", "Start", json!({"outputs": outputs}))
    }

    pub(crate) fn end(self, outputs: &[(&str, Value)]) -> Self {
        let body = json!({"terminatePlan": "returnVariables", "inputParameters": inputs(outputs)});
        self.node(END, "2", "End", json!({"inputs": body}))
    }

    pub(crate) fn answer(self, template: &str, streaming: bool, given: &[(&str, Value)]) -> Self {
        let body = json!({
            "terminatePlan": "useAnswerContent", "streamingOutput": streaming,
            "content": literal(template), "inputParameters": inputs(given),
        });
        self.node(END, "2", "End", json!({"inputs": body}))
    }

    pub(crate) fn text(
        self,
        id: &str,
        title: &str,
        template: &str,
        given: &[(&str, Value)],
    ) -> Self {
        let parameters = [
            ("concatResult", literal(template)),
            ("arrayItemConcatChar", literal(",")),
        ];
        let body = json!({
            "method": "concat", "inputParameters": inputs(given), "concatParams": inputs(&parameters),
        });
        let outputs = json!([{"name": "output", "type": "string", "required": true}]);
        self.node(id, "15", title, json!({"inputs": body, "outputs": outputs}))
    }

    pub(crate) fn output(
        self,
        id: &str,
        title: &str,
        template: &str,
        given: &[(&str, Value)],
    ) -> Self {
        let body = json!({
            "content": literal(template), "streamingOutput": false, "inputParameters": inputs(given),
        });
        self.node(id, "13", title, json!({"inputs": body}))
    }

    pub(crate) fn llm(self, id: &str, title: &str, model: &str, given: (&str, Value)) -> Self {
        let prompt = format!("{{{{{}}}}}", given.0);
        let parameters = [
            ("modleName", literal(model)),
            ("prompt", literal(&prompt)),
            ("systemPrompt", literal("Be brief.")),
        ];
        let body = json!({"inputParameters": inputs(&[given]), "llmParam": inputs(&parameters)});
        let outputs = json!([{"name": "output", "type": "string", "required": false}]);
        self.node(
            id,
            "3",
            title,
            json!({"inputs": body, "outputs": outputs, "version": "3"}),
        )
    }

    /// Gives the model node of that id what it may use.
    pub(crate) fn skills(mut self, id: &str, skills: Value) -> Self {
        let node = self.nodes.iter_mut().find(|node| node["id"] == id);
        node.unwrap()["data"]["inputs"]["fcParam"] = skills;
        self
    }

    /// Asks for a free text; the answer is the output `USER_RESPONSE`.
    pub(crate) fn question(
        self,
        id: &str,
        title: &str,
        question: &str,
        given: &[(&str, Value)],
    ) -> Self {
        let body = json!({
            "question": question, "answer_type": "text", "option_type": "static",
            "options": [{"name": ""}], "extra_output": false, "limit": 3,
            "inputParameters": inputs(given),
        });
        let outputs = json!([{"name": "USER_RESPONSE", "type": "string", "required": true}]);
        self.node(id, "18", title, json!({"inputs": body, "outputs": outputs}))
    }

    /// A node that no local runner carries out.
    pub(crate) fn plugin(self, id: &str, title: &str) -> Self {
        let parameters = [("apiID", literal("1")), ("apiName", literal("nothing"))];
        let body = json!({"apiParam": inputs(&parameters), "inputParameters": []});
        let outputs = json!([{"name": "output", "type": "string", "required": false}]);
        self.node(id, "4", title, json!({"inputs": body, "outputs": outputs}))
    }

    pub(crate) fn chain(mut self, nodes: &[&str]) -> Self {
        for pair in nodes.windows(2) {
            self.edges.push(
                json!({"sourceNodeID": pair[0], "targetNodeID": pair[1], "sourcePortID": ""}),
            );
        }
        self
    }

    pub(crate) fn json(&self) -> String {
        json!({"nodes": self.nodes, "edges": self.edges, "versions": {"loop": "v2"}}).to_string()
    }
}
