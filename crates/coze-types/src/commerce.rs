//! Commerce: what the plan includes, quotas of end users, and bills.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::endpoint::endpoints;
use crate::open_enum::open_enum;
use crate::paging::{Page, Paged, numbered};
use crate::{Data, Empty, Id, MaybeData, Timestamp, de};

endpoints! { "commerce";
    /// Reads which plan the account has, and what it includes.
    ///
    /// Source: <https://www.coze.cn/open/docs/developer_guides/get_benefit>
    RetrieveBenefits = GET "/v1/commerce/benefit/benefits/get" () "getBenefit" {
        query: RetrieveBenefitsQuery, body: None Empty, reply: Data<Benefits>
    }

    /// Creates a quota for end users.
    ///
    /// For administrators of an enterprise. Devices have to report who they are, or no quota holds
    /// for them.
    /// Source: <https://www.coze.cn/open/docs/developer_guides/create_device_quotas>
    CreateLimitation = POST "/v1/commerce/benefit/limitations" () "createBenefitLimitation" {
        query: Empty, body: Json CreateLimitationBody, reply: MaybeData<SavedLimitation>
    }

    /// Lists the quotas of end users.
    ///
    /// For administrators of an enterprise.
    /// Source: <https://www.coze.cn/open/docs/developer_guides/get_device_quotas>
    ListLimitations = GET "/v1/commerce/benefit/limitations" () "listBenefitLimitation" {
        query: ListLimitationsQuery, body: None Empty, reply: Data<LimitationList>
    }

    /// Changes a quota of end users.
    ///
    /// For administrators of an enterprise.
    /// Source: <https://www.coze.cn/open/docs/developer_guides/update_device_quotas>
    UpdateLimitation = PUT "/v1/commerce/benefit/limitations/{benefit_id}" (benefit_id) "updateBenefitLimitation" {
        query: Empty, body: Json UpdateLimitationBody, reply: MaybeData<SavedLimitation>
    }

    /// Begins the export of the bills of end users.
    ///
    /// For administrators of an enterprise. [`ListBillTasks`] tells when the files are there.
    /// Source: <https://www.coze.cn/open/docs/developer_guides/create_bill_task>
    CreateBillTask = POST "/v1/commerce/benefit/bill_tasks" () "createBillDownloadTask" {
        query: Empty, body: Json CreateBillTaskBody, reply: Data<BillTask>
    }

    /// Lists the exports of bills, with the files that have been written.
    ///
    /// For administrators of an enterprise. Files are kept for 7 days.
    /// Source: <https://www.coze.cn/open/docs/developer_guides/billing_file>
    ListBillTasks = GET "/v1/commerce/benefit/bill_tasks" () "listBillDownloadTask" {
        query: ListBillTasksQuery, body: None Empty, reply: Data<BillTaskList>
    }
}

impl Paged for ListLimitations {
    type Item = Limitation;
    fn prepare(&mut self) {
        self.query.page_size.get_or_insert(200);
    }
    fn turn(&mut self, page: Self::Reply) -> Page<Limitation> {
        let (list, token) = (page.data, &mut self.query.page_token);
        Page::by_token(token, list.benefit_infos, list.has_more, list.page_token)
    }
}

numbered! {
    ListBillTasks by page_num, 200;
    |page| page.data.task_infos => BillTask;
    total page.data.total
}

open_enum! {
    /// What is counted.
    BenefitType {
        /// Resource points.
        ResourcePoint = "resource_point",
        /// Seconds of calls with voices of the system. The enterprise must have bought them.
        SystemVoice = "voice_unified_duration_system",
        /// Seconds of calls with cloned voices. The enterprise must have bought them.
        ClonedVoice = "voice_unified_duration_custom",
        /// Requests per second; read only.
        ApiRunQps = "api_run_qps",
        /// Calls of paid plugins by MCP; read only.
        CallToolLimit = "call_tool_limit",
    }
}

open_enum! {
    /// The requests that a rate holds for.
    ApiKind {
        /// Chats.
        Chat = "chat",
        /// Workflows.
        Workflow = "workflow",
        /// Plugins.
        Plugin = "plugin",
    }
}

open_enum! {
    /// A plan. The open-source server knows further names.
    UserLevel {
        /// For one person, free.
        Free = "free",
        /// For one person, paid.
        Personal = "pro_personal",
        /// For a team.
        Team = "team",
        /// For an enterprise.
        Enterprise = "enterprise",
    }
}

open_enum! {
    /// Whether something that a plan includes can be used.
    BenefitStatus {
        /// It can.
        Valid = "valid",
        /// It is blocked.
        Frozen = "frozen",
        /// It was given back.
        Cancel = "cancel",
        /// Its time has not come.
        Pending = "pending",
        /// It cannot.
        Invalid = "invalid",
        /// It is being looked at.
        Auditing = "auditing",
        /// Its time is over.
        Expired = "expired",
    }
}

open_enum! {
    /// How use is limited. The open-source server knows further names.
    BenefitStrategy {
        /// It is not.
        Unlimited = "unlimit",
        /// The plan does not include it.
        Forbidden = "forbidden",
        /// Up to a total.
        ByQuota = "by_quota",
    }
}

/// Query of [`RetrieveBenefits`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetrieveBenefitsQuery {
    /// What to report beside the plan: [`BenefitType::ApiRunQps`], [`BenefitType::CallToolLimit`].
    #[serde(default, deserialize_with = "de::list_opt")]
    pub benefit_type_list: Option<Vec<BenefitType>>,
    /// The requests whose rate is asked for; goes with [`BenefitType::ApiRunQps`].
    pub resource_id: Option<ApiKind>,
}

/// Payload of [`RetrieveBenefits`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Benefits {
    /// The plan.
    pub basic_info: Option<BenefitPlan>,
    /// What was asked for; missing when nothing was.
    pub benefit_info: Option<Vec<Benefit>>,
}

/// The plan of an account.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BenefitPlan {
    /// Its name.
    pub user_level: Option<UserLevel>,
}

/// Something that a plan includes.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Benefit {
    /// What is counted.
    pub benefit_type: Option<BenefitType>,
    /// The requests that it holds for.
    pub resource_id: Option<ApiKind>,
    /// What the plan itself gives.
    pub basic: Option<BenefitShare>,
    /// What holds in the end.
    pub effective: Option<BenefitShare>,
    /// What was bought in addition.
    pub extra: Option<Vec<BenefitShare>>,
}

/// A share of something that a plan includes.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BenefitShare {
    /// Whether it can be used.
    pub status: Option<BenefitStatus>,
    /// How much it is.
    pub item_info: Option<BenefitCounter>,
}

/// How much of something there is.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BenefitCounter {
    /// How use is limited.
    pub strategy: Option<BenefitStrategy>,
    /// How much was used; 0 where that is not counted.
    pub used: Option<f64>,
    /// How much can be used with [`BenefitStrategy::ByQuota`]; 1 otherwise.
    pub total: Option<f64>,
    /// When it begins, in seconds.
    pub start_at: Option<Timestamp>,
    /// When it ends, in seconds.
    pub end_at: Option<Timestamp>,
}

open_enum! {
    /// Who a quota holds for.
    LimitedEntity {
        /// All devices of the enterprise.
        AllDevices = "enterprise_all_devices",
        /// All consumers that the enterprise has defined; devices have to report theirs.
        AllConsumers = "enterprise_all_custom_consumers",
        /// One device.
        Device = "single_device",
        /// One consumer that the enterprise has defined.
        Consumer = "single_custom_consumer",
    }
}

open_enum! {
    /// How it is said when a quota holds.
    ActiveMode {
        /// From one time to another.
        AbsoluteTime = "absolute_time",
    }
}

open_enum! {
    /// Whether a quota holds.
    LimitationStatus {
        /// It does.
        Valid = "valid",
        /// It is suspended.
        Frozen = "frozen",
    }
}

open_enum! {
    /// What a quota is counted by.
    TriggerUnit {
        /// Once for all.
        Never = "never",
        /// By minutes.
        Minute = "minute",
        /// By hours.
        Hour = "hour",
        /// By days.
        Day = "day",
    }
}

/// Body of [`CreateLimitation`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateLimitationBody {
    /// Who the quota holds for.
    pub entity_type: LimitedEntity,
    /// The device or the consumer; required for [`LimitedEntity::Device`] and
    /// [`LimitedEntity::Consumer`].
    pub entity_id: Option<Id>,
    /// The quota.
    pub benefit_info: Limitation,
}

/// A quota of end users.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limitation {
    /// Its id; in replies.
    pub benefit_id: Option<Id>,
    /// What is counted.
    #[serde(default, deserialize_with = "de::null_default")]
    pub benefit_type: BenefitType,
    /// How it is said when the quota holds.
    #[serde(default, deserialize_with = "de::null_default")]
    pub active_mode: ActiveMode,
    /// When it begins, in seconds.
    #[serde(default)]
    pub started_at: Timestamp,
    /// When it ends, in seconds; 253402300799 for never.
    #[serde(default)]
    pub ended_at: Timestamp,
    /// How much can be used: resource points or seconds, as [`BenefitType`] says.
    #[serde(default, deserialize_with = "de::int")]
    pub limit: i64,
    /// Whether it holds.
    pub status: Option<LimitationStatus>,
    /// What it is counted by; once for all by default.
    pub trigger_unit: Option<TriggerUnit>,
    /// After how many units the count begins anew; 1, without a meaning, for
    /// [`TriggerUnit::Never`].
    #[serde(default, deserialize_with = "de::int_opt")]
    pub trigger_time: Option<i64>,
    /// Who it holds for; in replies.
    pub entity_type: Option<LimitedEntity>,
    /// The device or the consumer; in replies.
    pub entity_id: Option<Id>,
}

/// Payload of [`CreateLimitation`] and [`UpdateLimitation`].
///
/// Sources disagree: it has one field, it is the quota itself, or it is empty. All are read.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "LooseLimitation")]
pub struct SavedLimitation {
    /// The quota, as far as the server told.
    pub benefit_info: Option<Limitation>,
}

#[derive(Deserialize)]
struct LooseLimitation {
    benefit_info: Option<Limitation>,
    #[serde(flatten)]
    flat: Limitation,
}

impl From<LooseLimitation> for SavedLimitation {
    fn from(loose: LooseLimitation) -> Self {
        let flat = Some(loose.flat).filter(|flat| *flat != Limitation::default());
        Self {
            benefit_info: loose.benefit_info.or(flat),
        }
    }
}

/// Query of [`ListLimitations`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListLimitationsQuery {
    /// Who the quotas hold for; required.
    pub entity_type: LimitedEntity,
    /// What is counted; required.
    pub benefit_type: BenefitType,
    /// The device or the consumer; required for [`LimitedEntity::Device`] and
    /// [`LimitedEntity::Consumer`].
    pub entity_id: Option<Id>,
    /// Those that hold by default.
    pub status: Option<LimitationStatus>,
    /// The page: none for the first, then what the page before it named.
    pub page_token: Option<String>,
    /// 1 to 200; 20 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_size: Option<i64>,
}

/// Payload of [`ListLimitations`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitationList {
    /// The quotas of this page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub benefit_infos: Vec<Limitation>,
    /// There is a next page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub has_more: bool,
    /// The next page. Other lists call it `next_page_token`.
    pub page_token: Option<String>,
}

/// Body of [`UpdateLimitation`]; what is missing stays as it is.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateLimitationBody {
    /// How it is said when the quota holds.
    pub active_mode: Option<ActiveMode>,
    /// When it begins, in seconds.
    pub started_at: Option<Timestamp>,
    /// When it ends, in seconds.
    pub ended_at: Option<Timestamp>,
    /// How much can be used.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub limit: Option<i64>,
    /// Whether it holds.
    pub status: Option<LimitationStatus>,
    /// What it is counted by.
    pub trigger_unit: Option<TriggerUnit>,
    /// After how many units the count begins anew.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub trigger_time: Option<i64>,
}

open_enum! {
    /// How far an export of bills is.
    BillTaskStatus {
        /// It has not begun.
        Init = "init",
        /// It goes on.
        Running = "running",
        /// The files are there.
        Succeeded = "succeed",
        /// It has failed; the message of the reply says why.
        Failed = "failed",
    }
}

/// Body of [`CreateBillTask`]. The bills of today cannot be exported.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateBillTaskBody {
    /// The first day, as a time in seconds; taken back to 00:00:00. From 2025-03-13.
    pub started_at: Option<Timestamp>,
    /// The last day, as a time in seconds; moved on to 23:59:59.
    pub ended_at: Option<Timestamp>,
}

/// An export of bills.
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillTask {
    /// The id. Official examples have it as a number.
    pub task_id: Option<Id>,
    /// How far it is.
    pub status: Option<BillTaskStatus>,
    /// When the bills begin, in seconds.
    pub started_at: Option<Timestamp>,
    /// When the bills end, in seconds.
    pub ended_at: Option<Timestamp>,
    /// When the export was asked for, in seconds.
    pub created_at: Option<Timestamp>,
    /// Until when the files are kept, in seconds.
    pub expires_at: Option<Timestamp>,
    /// Where the files are, of up to 500,000 lines each; empty until they are written.
    #[serde(default, deserialize_with = "de::texts")]
    pub file_urls: Vec<String>,
}

/// Query of [`ListBillTasks`].
#[skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListBillTasksQuery {
    /// Up to 100 exports; by default those of the last 7 days.
    #[serde(default, deserialize_with = "de::list_opt")]
    pub task_ids: Option<Vec<Id>>,
    /// From 1.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_num: Option<i64>,
    /// 1 to 200; 20 by default.
    #[serde(default, deserialize_with = "de::int_opt")]
    pub page_size: Option<i64>,
}

/// Payload of [`ListBillTasks`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillTaskList {
    /// The exports of this page.
    #[serde(default, deserialize_with = "de::null_default")]
    pub task_infos: Vec<BillTask>,
    /// How many there are on all pages.
    #[serde(default, deserialize_with = "de::int")]
    pub total: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_quota_is_read_in_every_form() {
        fn id(json: &str) -> Option<String> {
            let reply: MaybeData<SavedLimitation> = crate::status::decode(json.as_bytes()).unwrap();
            Some(reply.data.benefit_info?.benefit_id?.to_string())
        }
        let seven = Some("7".to_owned());
        assert_eq!(id(r#"{"data":{"benefit_info":{"benefit_id":7}}}"#), seven);
        assert_eq!(id(r#"{"data":{"benefit_id":7,"limit":1}}"#), seven);
        assert_eq!(id(r#"{"data":{"benefit_id":"7"}}"#), seven);
        for empty in [r#"{"data":{}}"#, r#"{"data":null}"#, "{}"] {
            assert_eq!(id(empty), None, "{empty}");
        }
    }
}
