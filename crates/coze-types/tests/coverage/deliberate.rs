//! Where the rows differ from the description on purpose, each with its reason.
//!
//! This list may only shrink: an entry that is not needed any more fails the test. The reasons name
//! the sections of the reference (`core.md`, `extended.md`), which outranks the description where
//! the two differ.

use crate::compare::{Fault, Finding};

/// A difference that is meant.
#[derive(Debug)]
pub(crate) struct Difference {
    /// The operation as its source writes it; `*` for all.
    pub(crate) operation: &'static str,
    /// The field; `*` in front stands for any beginning.
    pub(crate) field: &'static str,
    pub(crate) fault: Fault,
    /// Why. Shown when the entry is not needed any more.
    pub(crate) why: &'static str,
}

impl Difference {
    pub(crate) fn covers(&self, operation: &str, finding: &Finding) -> bool {
        let field = match self.field.strip_prefix('*') {
            Some(end) => finding.field.ends_with(end),
            None => finding.field == self.field,
        };
        let operation = self.operation == "*" || self.operation == operation;
        self.fault == finding.fault && operation && field
    }
}

/// The list.
pub(crate) const DIFFERENCES: &[Difference] = &[
    // Calls that need no row.
    Difference {
        operation: "POST /v3/chat/retrieve",
        field: "",
        fault: Fault::NoRow,
        why: "the GET of the same path, which the service serves for both (core 3.3)",
    },
    // Bodies and replies of another kind.
    Difference {
        operation: "POST /v1/files/upload",
        field: "body",
        fault: Fault::Kind,
        why: "a form, as in every SDK (core 7.1); the description says JSON of every body",
    },
    Difference {
        operation: "POST /v1/files/upload",
        field: "body.Data",
        fault: Fault::Missing,
        why: "the part is named `file` (core 9, row 47)",
    },
    Difference {
        operation: "POST /v1/workflow/stream_resume",
        field: "reply",
        fault: Fault::Kind,
        why: "a stream (core 6.5); what is described is the fields of its events",
    },
    // Types.
    Difference {
        operation: "POST /v1/workflow/run",
        field: "body.parameters",
        fault: Fault::Type,
        why: "an object; JSON text of one is read as well (core 9, row 25)",
    },
    Difference {
        operation: "GET /v1/workflows",
        field: "*ed_at",
        fault: Fault::Type,
        why: "times are read from text and number, and written as numbers (core 1.9)",
    },
    Difference {
        operation: "GET /v1/workflows/{workflow_id}",
        field: "*ed_at",
        fault: Fault::Type,
        why: "times are read from text and number, and written as numbers (core 1.9)",
    },
    Difference {
        operation: "GET /v1/workflows/{workflow_id}/versions",
        field: "*ed_at",
        fault: Fault::Type,
        why: "times are read from text and number, and written as numbers (core 1.9)",
    },
    Difference {
        operation: "GET /v1/datasets",
        field: "reply.data.dataset_list[].all_file_size",
        fault: Fault::Type,
        why: "text, read from numbers as well (extended 6, row 5)",
    },
    // Required and optional.
    Difference {
        operation: "POST /v1/workflows/chat",
        field: "body.parameters",
        fault: Fault::Required,
        why: "optional in the SDKs and at the open-source server (core 9, row 56)",
    },
    Difference {
        operation: "*",
        field: "*messages[].content",
        fault: Fault::Written,
        why: "required (core 3.1)",
    },
    Difference {
        operation: "*",
        field: "body.collaboration_mode",
        fault: Fault::Optional,
        why: "required (core 6.13, extended 4.10)",
    },
    Difference {
        operation: "*",
        field: "*.update_rule.update_type",
        fault: Fault::Written,
        why: "required (extended 1.2)",
    },
    Difference {
        operation: "*",
        field: "*.update_rule.update_interval",
        fault: Fault::Written,
        why: "required (extended 1.2)",
    },
    Difference {
        operation: "POST /open_api/knowledge/document/create",
        field: "body.chunk_strategy.chunk_type",
        fault: Fault::Written,
        why: "required (extended 1.2)",
    },
    Difference {
        operation: "POST /open_api/knowledge/document/update",
        field: "body.document_id",
        fault: Fault::Optional,
        why: "required (extended 1.5)",
    },
    // Ids that are no numbers.
    Difference {
        operation: "*",
        field: "*.event_id",
        fault: Fault::IdAsNumber,
        why: "opaque: `<run>/<event>` (core 6.1)",
    },
    Difference {
        operation: "*",
        field: "*.tool_call_id",
        fault: Fault::IdAsNumber,
        why: "opaque: base64 (core 3.2)",
    },
    Difference {
        operation: "*",
        field: "*.tool_calls[].id",
        fault: Fault::IdAsNumber,
        why: "opaque: base64 (core 3.2)",
    },
];
