//! Where the rows differ from the description on purpose, each with its reason.
//!
//! This list may only shrink: an entry that is not needed any more fails the test. The reasons name
//! the sections of the reference (`core.md`, `extended.md`), which outranks the description where
//! the two differ.

use crate::finding::{Fault, Finding};

/// Differences that are meant, for one reason.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) fault: Fault,
    pub(crate) why: &'static str,
    pub(crate) places: &'static [Place],
}

/// An operation as its source writes it, `*` for all; and the field, in which one `*` stands for
/// any text.
pub(crate) type Place = (&'static str, &'static str);

/// Whether a place is that of a finding.
pub(crate) fn covers(place: Place, operation: &str, finding: &Finding) -> bool {
    let field = match place.1.split_once('*') {
        Some((begin, end)) => {
            let rest = finding.field.strip_prefix(begin);
            rest.is_some_and(|rest| rest.ends_with(end))
        }
        None => finding.field == place.1,
    };
    field && (place.0 == "*" || place.0 == operation)
}

/// The list.
pub(crate) const DIFFERENCES: &[Difference] = &[
    // Calls that need no row.
    Difference {
        fault: Fault::NoRow,
        why: "the service takes GET as well as POST, and there is a row for GET (core 3.3)",
        places: &[("POST /v3/chat/retrieve", "")],
    },
    // Bodies and replies of another kind.
    Difference {
        fault: Fault::Kind,
        why: "a form in every SDK; the description says JSON of every body (extended 6, row 60)",
        places: &[
            ("POST /v1/files/upload", "body"),
            ("POST /v1/audio/transcriptions", "body"),
            ("POST /v1/audio/voices/clone", "body"),
            (
                "POST /v1/audio/voiceprint_groups/{group_id}/features",
                "body",
            ),
            (
                "PUT /v1/audio/voiceprint_groups/{group_id}/features/{feature_id}",
                "body",
            ),
            (
                "POST /v1/audio/voiceprint_groups/{group_id}/speaker_identify",
                "body",
            ),
        ],
    },
    Difference {
        fault: Fault::Missing,
        why: "the part of a form that holds the file is named `file` (core 9, row 47; extended 7)",
        places: &[
            ("POST /v1/files/upload", "body.Data"),
            ("POST /v1/audio/transcriptions", "body.body"),
        ],
    },
    Difference {
        fault: Fault::Kind,
        why: "a stream; what is described is the fields of its events (core 6.5)",
        places: &[("POST /v1/workflow/stream_resume", "reply")],
    },
    // What is not there.
    Difference {
        fault: Fault::Missing,
        why: "the heading of another table of the page, and the envelope, which is described again",
        places: &[
            ("*", "*.参数"),
            ("GET /v1/plugins/{plugin_id}", "reply.data.tools[].code"),
            ("GET /v1/plugins/{plugin_id}", "reply.data.tools[].detail"),
            ("GET /v1/plugins/{plugin_id}", "reply.data.tools[].msg"),
        ],
    },
    Difference {
        fault: Fault::Missing,
        why: "what is described is a plugin; `data.items` holds many of them (extended 4.8)",
        places: &[("GET /v1/plugins/mget", "reply.data.*")],
    },
    Difference {
        fault: Fault::Undescribed,
        why: "required (extended 2.1)",
        places: &[("POST /v1/audio/voices/clone", "body.audio_format")],
    },
    // Types.
    Difference {
        fault: Fault::Type,
        why: "an object; JSON text of one is read as well (core 9, row 25)",
        places: &[("POST /v1/workflow/run", "body.parameters")],
    },
    Difference {
        fault: Fault::Type,
        why: "times are read from text and number, and written as numbers (core 1.9)",
        places: &[
            ("GET /v1/workflows", "reply.data.items[].created_at"),
            ("GET /v1/workflows", "reply.data.items[].updated_at"),
            (
                "GET /v1/workflows/{workflow_id}",
                "reply.data.workflow_detail.created_at",
            ),
            (
                "GET /v1/workflows/{workflow_id}",
                "reply.data.workflow_detail.updated_at",
            ),
        ],
    },
    Difference {
        fault: Fault::Type,
        why: "times are whole seconds (extended 4.8)",
        places: &[
            ("GET /v1/plugins/{plugin_id}", "reply.data.created_at"),
            ("GET /v1/plugins/{plugin_id}", "reply.data.updated_at"),
        ],
    },
    Difference {
        fault: Fault::Type,
        why: "text, read from numbers as well (extended 6, rows 5 and 57)",
        places: &[
            (
                "GET /v1/datasets",
                "reply.data.dataset_list[].all_file_size",
            ),
            (
                "GET /v1/stores/plugins",
                "reply.data.items[].metainfo.user_info.user_id",
            ),
        ],
    },
    Difference {
        fault: Fault::Type,
        why: "a time as text, which is what the Python SDK reads (extended 4.10)",
        places: &[(
            "GET /v1/bots/{bot_id}/versions",
            "reply.data.items[].created_at",
        )],
    },
    // Required and optional.
    Difference {
        fault: Fault::Required,
        why: "optional in the SDKs and at the open-source server (core 9, row 56)",
        places: &[("POST /v1/workflows/chat", "body.parameters")],
    },
    Difference {
        fault: Fault::Written,
        why: "required (core 3.1, 7.17; extended 1.2, 4.7)",
        places: &[
            ("*", "*messages[].content"),
            ("POST /v1/workspaces/{workspace_id}/members", "body.users"),
            ("*", "*.update_rule.update_type"),
            ("*", "*.update_rule.update_interval"),
            (
                "POST /open_api/knowledge/document/create",
                "body.chunk_strategy.chunk_type",
            ),
            (
                "POST /v1/commerce/benefit/limitations",
                "body.benefit_info.active_mode",
            ),
            (
                "POST /v1/commerce/benefit/limitations",
                "body.benefit_info.benefit_type",
            ),
            (
                "POST /v1/commerce/benefit/limitations",
                "body.benefit_info.limit",
            ),
            (
                "POST /v1/commerce/benefit/limitations",
                "body.benefit_info.started_at",
            ),
            (
                "POST /v1/commerce/benefit/limitations",
                "body.benefit_info.ended_at",
            ),
        ],
    },
    Difference {
        fault: Fault::Optional,
        why: "required (core 6.13, extended 1.5, 4.4, 4.10, 4.11)",
        places: &[
            ("*", "body.collaboration_mode"),
            ("POST /v1/entities/copy_tasks", "body.entity_id"),
            ("POST /v1/entities/copy_tasks", "body.entity_type"),
            (
                "POST /open_api/knowledge/document/update",
                "body.document_id",
            ),
            ("POST /v1/enterprises/{enterprise_id}/members", "body.users"),
        ],
    },
    // Ids that are no numbers.
    Difference {
        fault: Fault::IdAsNumber,
        why: "opaque: two ids with a slash, or base64 (core 3.2, 6.1)",
        places: &[
            ("*", "*.event_id"),
            ("*", "*.tool_call_id"),
            ("*", "*.tool_calls[].id"),
        ],
    },
    Difference {
        fault: Fault::IdAsNumber,
        why: "the name of a kind of call (extended 4.6)",
        places: &[(
            "GET /v1/commerce/benefit/benefits/get",
            "reply.data.benefit_info[].resource_id",
        )],
    },
];
