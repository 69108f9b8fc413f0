//! The rows of the catalogue, sorted by code. This file is data; the types and the tests are next door.

use super::{Class, Entry, Retry, Text};

/// One line of numbers, then cause and fix: `code class http retry; "en", "zh"; "en", "zh";`
macro_rules! entries {
    ($($code:literal $class:ident $http:literal $retry:ident;
       $cause_en:literal, $cause_zh:literal;
       $fix_en:literal, $fix_zh:literal;)*) => {
        &[$(Entry {
            code: $code,
            class: Class::$class,
            http: $http,
            retry: Retry::$retry,
            cause: Text { en: $cause_en, zh: $cause_zh },
            fix: Text { en: $fix_en, zh: $fix_zh },
        }),*]
    };
}

/// Every code of the reference, sorted by code so that [`lookup`](super::lookup) can search it.
pub static CATALOGUE: &[Entry] = entries! {
    // HTTP statuses, which coze-studio and the skill dialect also send as `code`.

    400 Parameter 400 Never;
        "the request is malformed or a field has a value that the server refuses",
        "请求格式有误，或某个字段的取值不被服务端接受";
        "compare the body with the documentation of this call and correct the field that the message names",
        "对照该接口的文档检查请求体，改正报错信息里点名的字段";
    401 Auth 401 AfterFix;
        "the request carries no valid access token",
        "请求中没有有效的访问令牌";
        "log in again or set a token that has not expired, and check that it belongs to this region",
        "重新登录，或换用未过期的令牌，并确认令牌与所访问的站点（国内版或国际版）一致";
    402 Quota 402 AfterFix;
        "the account lacks the balance or the plan that this call needs",
        "账户余额不足，或当前套餐不支持该调用";
        "top up the account or move to a plan that includes this call",
        "为账户充值，或升级到包含该能力的套餐";
    403 Permission 403 AfterFix;
        "the token is valid but is not allowed to do this",
        "令牌有效，但没有执行该操作的权限";
        "grant the token the permission and the workspace that this call needs",
        "为令牌勾选该接口所需的权限，并授权对应的工作空间";
    404 NotFound 404 Never;
        "the address or the resource does not exist",
        "请求的地址或资源不存在";
        "check the path of the call and the id in it",
        "检查请求路径以及其中的 ID 是否正确";
    408 Server 408 Limited;
        "the request did not arrive or was not answered in time",
        "请求未能在规定时间内送达或得到响应";
        "check the network and send the call again if it only reads, otherwise look first whether it was carried out",
        "检查网络；只读请求可以直接重发，其他请求应先确认是否已经执行";
    409 Occupied 409 Never;
        "the resource is in a state that rules this call out",
        "资源当前所处的状态不允许执行该操作";
        "read the state of the resource and call again when it allows this",
        "先查询资源的状态，待状态允许后再调用";
    413 Parameter 413 Never;
        "the request or the file in it is too large",
        "请求体或其中的文件过大";
        "send less in one call or make the file smaller",
        "减少单次请求的内容，或压缩文件后再发送";
    429 Rate 429 BackOff;
        "too many requests were sent in a short time",
        "短时间内发送的请求过多";
        "wait as long as Retry-After says, or a little longer each time, and send fewer requests at once",
        "按 Retry-After 的提示等待（没有提示就逐次延长间隔），并降低并发";
    500 Server 500 Limited;
        "the server failed while it worked on the request",
        "服务端处理请求时出错";
        "send the request again a few times, then report the log id",
        "重试几次；仍然失败时，带上 logid 反馈给服务方";
    502 Server 502 Limited;
        "a gateway on the way got no usable answer from the service",
        "中间网关没有从服务端得到可用的响应";
        "wait a few seconds and send the request again",
        "等待几秒后重新发送请求";
    503 Server 503 BackOff;
        "the service is overloaded or being restarted",
        "服务过载或正在重启，暂时不可用";
        "wait and send the request again, a little longer each time",
        "稍后重试，并逐次延长等待时间";
    504 Server 504 Limited;
        "the service did not answer the gateway in time",
        "服务端未在网关的时限内响应";
        "send the request again if it only reads, otherwise use the streaming or the asynchronous form",
        "只读请求可以重发；耗时较长的任务请改用流式或异步方式";

    // The hosted API.

    4000 Parameter 400 Never;
        "a parameter is missing, has a wrong value, or may not be combined with another one",
        "缺少参数、参数取值有误，或参数之间不能同时使用";
        "correct the parameter that the message names; bot_id with app_id, or bot_version with a draft, cannot go together",
        "改正报错信息点名的参数；注意 bot_id 与 app_id、bot_version 与草稿状态不能同时传";
    4001 NotFound 404 Never;
        "the conversation does not exist, or not for this account and channel",
        "会话不存在，或不属于当前账号和渠道";
        "check conversation_id, or leave it out to begin a new conversation",
        "检查 conversation_id，或不传该参数以新建会话";
    4002 NotFound 404 Never;
        "the chat does not exist in this conversation",
        "该会话中不存在这次对话";
        "use the id and the conversation_id from the answer that started the chat",
        "使用发起对话时返回的 id 和 conversation_id 查询";
    4003 Parameter 400 Never;
        "meta_data has too many pairs, or a key or a value is too long",
        "meta_data 的键值对过多，或键、值超出长度限制";
        "keep meta_data within 16 pairs, keys within 64 and values within 512 characters",
        "将 meta_data 控制在 16 对以内，键不超过 64 个字符，值不超过 512 个字符";
    4004 Parameter 400 Never;
        "additional_messages holds too many messages",
        "additional_messages 中的消息过多";
        "send at most 100 messages to a chat and at most 50 to a chatflow, and drop the oldest ones",
        "对话最多传 100 条，对话流最多传 50 条，超出时去掉较早的消息";
    4005 NotFound 404 Never;
        "the message does not exist",
        "消息不存在";
        "check message_id; messages are kept for 180 days",
        "检查 message_id；注意消息只保留 180 天";
    4006 NotFound 404 Never;
        "the message does not exist in this conversation",
        "该会话中不存在这条消息";
        "check that message_id and conversation_id belong together",
        "确认 message_id 与 conversation_id 相互对应";
    4008 Quota 429 NextDay;
        "the daily quota of this bot is used up",
        "该智能体今天的调用额度已经用完";
        "wait until the next day, or raise the quota by changing the plan",
        "等到次日再调用，或升级套餐以提高额度";
    4009 Rate 429 BackOff;
        "too many users talk to this bot at the same time",
        "同时使用该智能体的用户过多";
        "wait a moment and send the request again, a little longer each time",
        "稍等片刻后重试，并逐次延长等待时间";
    4010 Parameter 400 Never;
        "the prompt is longer than the model can take",
        "提示词的长度超出模型的上限";
        "shorten the message, send less history, or choose a model with a longer context",
        "精简消息、减少携带的历史，或换用上下文更长的模型";
    4011 Quota 402 AfterFix;
        "the account has no Coze tokens left or its bill is overdue",
        "账户的 Coze Token 不足或已经欠费";
        "top up the account or settle the bill, then send the request again",
        "充值或结清欠费后再发送请求";
    4012 Parameter 400 Never;
        "the model set for this bot is not valid or was withdrawn",
        "智能体配置的模型无效或已经下线";
        "choose another model for the bot; on a local server, check model, base_url and key in coze.yaml",
        "为智能体更换模型；本地服务请检查 coze.yaml 中的模型名、base_url 和密钥";
    4013 Rate 429 BackOff;
        "the model gets more requests than its limit allows",
        "模型的请求频率超出限制";
        "wait and send the request again, a little longer each time, or use a model with a higher limit",
        "等待后重试并逐次延长间隔，或换用限额更高的模型";
    4014 Parameter 400 Never;
        "the content was refused because it breaks the content policy",
        "内容违反内容规范，被拒绝处理";
        "change the text or the files that you send",
        "修改所发送的文字或文件";
    4015 Permission 403 AfterFix;
        "the bot is not published to this channel",
        "智能体没有发布到当前渠道";
        "publish the bot with the channel API chosen, or pass the connector_id it is published to",
        "发布智能体时勾选 API 渠道，或传入已发布渠道的 connector_id";
    4016 Occupied 409 AfterChat;
        "another chat is still running in this conversation",
        "该会话中还有一次对话正在进行";
        "wait until the running chat ends or cancel it, or use a conversation of its own for each parallel chat",
        "等待当前对话结束或先取消它；需要并行时，请为每次对话使用单独的会话";
    4019 Quota 402 AfterFix;
        "the account is overdue",
        "账户已经欠费";
        "settle the bill and send the request again",
        "结清欠费后再发送请求";
    4020 Rate 429 BackOff;
        "the model gets more requests per minute than its limit allows",
        "模型每分钟的请求次数超出限制";
        "wait up to a minute and send the request again, and spread the requests out",
        "最多等待一分钟后重试，并将请求均匀分散开";
    4027 Quota 402 AfterFix;
        "the professional account is overdue",
        "专业版账户已经欠费";
        "settle the bill of the professional plan and send the request again",
        "结清专业版欠费后再发送请求";
    4028 Quota 402 AfterFix;
        "the account does not have enough credits",
        "账户的资源点不足";
        "buy credits or wait for the next grant, then send the request again",
        "购买资源点或等待下次发放后再发送请求";
    4033 Server 500 Never;
        "the service refused the chat for a reason that is not documented",
        "服务端拒绝了本次对话，原因没有公开说明";
        "read the message of the error and report the log id if it does not help",
        "查看错误信息；如果仍不明白，请带上 logid 反馈给服务方";
    4100 Auth 401 AfterFix;
        "the access token is missing, wrong or expired",
        "访问令牌缺失、错误或已经过期";
        "set a valid token; a token of coze.cn does not work on coze.com and the other way round",
        "更换有效的令牌；注意 coze.cn 与 coze.com 的令牌不能混用";
    4101 Permission 403 AfterFix;
        "the token lacks the permission for this call, or belongs to the other region",
        "令牌缺少调用该接口的权限，或不属于当前站点";
        "give the token this permission and this workspace, and check whether it is for coze.cn or coze.com",
        "为令牌补上该权限和对应的工作空间，并确认它属于 coze.cn 还是 coze.com";
    4104 Occupied 409 Never;
        "the chat cannot be cancelled in its present state",
        "对话在当前状态下无法取消";
        "retrieve the chat: it has probably ended already",
        "查询对话状态，它很可能已经结束";
    4200 NotFound 404 Never;
        "the resource does not exist, or the workflow was never published",
        "资源不存在，或工作流从未发布";
        "check the id, and publish the workflow before calling it",
        "检查 ID，并在调用之前先发布工作流";
    4300 Parameter 400 Never;
        "the upload holds no file or an empty one",
        "上传请求中没有文件，或文件为空";
        "send a multipart body with one file that is not empty, in the part named file",
        "以 multipart 格式上传一个非空文件，字段名为 file";
    4301 Parameter 400 Never;
        "the upload holds more than one file",
        "一次上传了多个文件";
        "upload one file per request",
        "每次请求只上传一个文件";
    4302 Parameter 413 Never;
        "the file is too large",
        "文件过大";
        "keep the file within 512 MB",
        "将文件控制在 512 MB 以内";
    4303 Parameter 400 Never;
        "files of this format are not accepted",
        "不支持该文件格式";
        "convert the file to a supported format and give the file name the right extension",
        "转换为支持的格式，并使用正确的文件扩展名";
    4304 Parameter 400 Never;
        "the file is damaged and cannot be read",
        "文件已损坏，无法读取";
        "open the file locally to check it, export it anew and upload it again",
        "先在本地打开检查，重新导出后再上传";
    5000 Server 500 Limited;
        "the service failed internally, or tool outputs were sent to a chat whose history is not saved",
        "服务内部错误，或向未保存历史的对话提交了工具结果";
        "send the request again a few times; for tool outputs start the chat with auto_save_history true",
        "重试几次；若是提交工具结果，请在发起对话时将 auto_save_history 设为 true";
    6003 Quota 402 AfterFix;
        "running a workflow asynchronously needs a paid plan",
        "异步运行工作流需要付费套餐";
        "leave out is_async, use the streaming call, or change the plan",
        "去掉 is_async、改用流式接口，或升级套餐";
    6006 Server 504 Maybe;
        "a code node of the workflow ran too long",
        "工作流中的代码节点运行超时";
        "make the code faster or split its work, and run the workflow again",
        "优化代码或拆分其任务，然后重新运行工作流";
    6023 Server 504 Maybe;
        "the workflow took longer than a run may take",
        "工作流的运行时间超出限制";
        "use the asynchronous or the streaming call, or shorten the workflow",
        "改用异步或流式接口，或精简工作流";
    6031 NotFound 404 AfterFix;
        "the workflow is not published",
        "工作流尚未发布";
        "publish the workflow and run it again",
        "发布工作流后再运行";
    6039 Parameter 400 Never;
        "the workflow asks the user something, which this call cannot pass on",
        "工作流需要用户输入，而当前接口无法传递该中断";
        "run the workflow with the streaming call and answer with stream_resume",
        "改用流式接口运行工作流，并通过 stream_resume 提交回答";
    701231 Server 500 Maybe;
        "the workflow run failed; the vendor's documentation uses this number as a sample only",
        "工作流运行失败；该编号只在官方文档的示例中出现过";
        "open debug_url to see which node failed",
        "打开 debug_url 查看是哪个节点出错";

    // coze-studio: conversations, agent runs, messages, uploads, code nodes.

    103000000 Parameter 400 Never;
        "a parameter of the conversation call is wrong",
        "会话接口的参数有误";
        "check the ids and the field that the message names",
        "检查各个 ID 以及报错信息点名的字段";
    103000001 Permission 403 Never;
        "the conversation belongs to another user or another bot",
        "该会话属于其他用户或其他智能体";
        "use the token and the bot that the conversation was created with",
        "使用创建该会话时的令牌和智能体";
    103000002 NotFound 404 Never;
        "the conversation does not exist",
        "会话不存在";
        "check conversation_id, or create a new conversation",
        "检查 conversation_id，或新建会话";
    103100001 Server 500 Never;
        "the agent failed while it worked on the answer",
        "智能体在生成回答时出错";
        "check the model settings of the server, then send the message again",
        "检查服务端的模型配置，然后重新发送消息";
    103100002 NotFound 404 Never;
        "the agent does not exist or is not published",
        "智能体不存在或尚未发布";
        "check bot_id and publish the agent",
        "检查 bot_id，并确认智能体已经发布";
    103200001 NotFound 404 Never;
        "the message does not exist",
        "消息不存在";
        "check message_id and the conversation it belongs to",
        "检查 message_id 及其所属的会话";
    103200003 NotFound 404 Never;
        "the record of this chat does not exist",
        "找不到这次对话的运行记录";
        "check chat_id and conversation_id",
        "检查 chat_id 和 conversation_id";
    103200004 NotFound 404 AfterFix;
        "the agent runs as a chatflow, but none is set",
        "智能体处于对话流模式，但没有配置对话流";
        "choose a chatflow in the agent's settings and publish the agent again",
        "在智能体设置中选择对话流并重新发布";
    103200005 Occupied 409 Never;
        "the chat cannot be cancelled in its present state",
        "对话在当前状态下无法取消";
        "retrieve the chat: it has probably ended already",
        "查询对话状态，它很可能已经结束";
    104000003 Parameter 400 Never;
        "the content type of the upload is not multipart/form-data",
        "上传请求的 Content-Type 不是 multipart/form-data";
        "send the file as multipart/form-data and let the HTTP library set the boundary",
        "以 multipart/form-data 上传文件，boundary 由 HTTP 库自动设置";
    104000004 Parameter 413 Never;
        "the uploaded file is too large for this server",
        "上传的文件超出该服务端的大小限制";
        "make the file smaller, or raise the limit of the server",
        "缩小文件，或调高服务端的大小限制";
    104000006 Parameter 400 Never;
        "the uploaded file is empty",
        "上传的文件为空";
        "upload a file that is not empty",
        "请上传非空文件";
    104000007 Parameter 400 Never;
        "the upload holds more than one file",
        "一次上传了多个文件";
        "upload one file per request",
        "每次请求只上传一个文件";
    305000002 Server 500 Maybe;
        "the code of a code node failed",
        "代码节点中的代码执行失败";
        "read the exception in the message and correct the code or the inputs of that node",
        "根据报错信息中的异常修改该节点的代码或输入";

    // Authentication and workflows, mostly coze-studio.

    700012006 Auth 401 AfterFix;
        "the access token was not accepted",
        "访问令牌未通过鉴权";
        "set a valid token in the Authorization header as Bearer and the token",
        "在 Authorization 请求头中以 Bearer 加令牌的形式传入有效令牌";
    702093204 Parameter 400 Never;
        "conversation nodes work only inside an application",
        "会话类节点只能在应用中使用";
        "run the workflow with an app_id, or take the conversation nodes out",
        "传入 app_id 运行该工作流，或移除其中的会话类节点";
    720701003 Parameter 400 Never;
        "the workflow cannot be turned into a plan that runs",
        "工作流无法编译为可执行的流程";
        "open the workflow in the editor, run its check and correct the nodes it names",
        "在编辑器中打开工作流并检查，改正被指出的节点";
    720701004 Server 502 Maybe;
        "a plugin that the workflow calls failed",
        "工作流调用的插件执行失败";
        "test the plugin by itself with the same inputs and check its authorisation",
        "用相同的输入单独测试该插件，并检查其授权";
    720701011 Server 500 Never;
        "a value could not be written to JSON or read from it",
        "数据在 JSON 序列化或反序列化时出错";
        "check the inputs and outputs of the failed node for values that are not JSON",
        "检查出错节点的输入和输出，排除不是合法 JSON 的值";
    720701013 Server 500 Maybe;
        "the workflow failed while it ran",
        "工作流执行失败";
        "open debug_url to see which node failed, correct it and run again",
        "打开 debug_url 查看出错的节点，修正后重新运行";
    720702001 Parameter 400 Never;
        "a parameter of the workflow call is wrong",
        "工作流接口的参数有误";
        "correct the parameter that the message names",
        "改正报错信息点名的参数";
    720702002 Parameter 400 Never;
        "an input that the workflow requires is missing",
        "缺少工作流的必填输入";
        "pass every input in parameters that the start node marks as required",
        "在 parameters 中传入开始节点标为必填的所有变量";
    720702004 NotFound 404 Never;
        "the workflow does not exist",
        "工作流不存在";
        "check workflow_id: it is the number after workflow_id in the address of the editor",
        "检查 workflow_id，即编辑器地址中 workflow_id 后面的数字";
    720702011 NotFound 404 AfterFix;
        "the workflow is not published",
        "工作流尚未发布";
        "publish the workflow and run it again",
        "发布工作流后再运行";
    720702078 Parameter 400 Never;
        "the workflow stopped to ask the user something, and a synchronous run cannot pass that on",
        "工作流中断等待用户输入，而同步运行无法传递该中断";
        "run the workflow with the streaming call and answer with stream_resume",
        "改用流式接口运行工作流，并通过 stream_resume 提交回答";
    720702085 Server 504 Maybe;
        "the workflow took longer than a run may take",
        "工作流的运行时间超出限制";
        "use the asynchronous or the streaming call, or shorten the workflow",
        "改用异步或流式接口，或精简工作流";
    720702089 Parameter 400 Never;
        "the definition of the workflow cannot be converted, so a node or a type in it is not understood",
        "工作流定义无法转换，其中有不能识别的节点或类型";
        "export the workflow again from a current editor and check the node that the message names",
        "用新版编辑器重新导出工作流，并检查报错信息点名的节点";
    720702204 NotFound 404 Never;
        "the chatflow names a conversation that does not exist",
        "对话流指定的会话名称不存在";
        "create a conversation with this name, or pass another CONVERSATION_NAME or a conversation_id",
        "先创建同名会话，或改传其他 CONVERSATION_NAME 或 conversation_id";
    720712014 Parameter 400 Never;
        "a template reads an element that the list does not have",
        "模板引用的列表下标越界";
        "check the length of the list, or correct the index in the template",
        "检查列表长度，或修正模板中的下标";
    720712023 Server 500 Never;
        "an output of a node did not fit its declared type and was replaced by an empty value",
        "节点的输出与声明的类型不符，已替换为空值";
        "make the declared outputs of the node agree with what it really returns",
        "让节点声明的输出与实际返回的内容保持一致";
    720712033 Parameter 400 Never;
        "outside an application only the conversation named Default can be used",
        "不在应用中运行时，只能使用名为 Default 的会话";
        "set the conversation name to Default, or run the workflow with an app_id",
        "将会话名称改为 Default，或传入 app_id 运行";
    720712049 Parameter 400 Never;
        "a question node with dynamic options got an empty list",
        "问答节点的动态选项为空";
        "make sure that the list behind the options holds at least one text",
        "确保作为选项来源的列表至少有一项文本";
    777777762 NotFound 404 Never;
        "the conversation that a workflow node names does not exist",
        "工作流节点指定的会话不存在";
        "create the conversation before this node, or correct its name",
        "在该节点之前创建会话，或修正会话名称";
    777777763 Parameter 400 Never;
        "an input of a workflow node is missing",
        "工作流节点缺少输入";
        "give the input a value or connect it to the output of an earlier node",
        "为该输入填写值，或引用上游节点的输出";
    777777764 Server 500 Maybe;
        "the service that keeps the variables failed",
        "变量服务出错";
        "check that the variable is defined in the application or the bot, and run again",
        "确认应用或智能体中已定义该变量，然后重新运行";
    777777765 Auth 401 AfterFix;
        "a plugin of the workflow needs the user to authorise it first",
        "工作流中的插件需要用户先完成授权";
        "open the plugin once, give it access to the account, and run again",
        "先打开该插件完成账号授权，再重新运行";
    777777769 Parameter 400 Never;
        "the name of the workflow version is not valid",
        "工作流版本号的格式不正确";
        "write the version like v0.0.1",
        "按 v0.0.1 这样的格式填写版本号";
    777777772 Server 500 Never;
        "a node of the workflow could not be set up",
        "工作流节点创建失败";
        "check the settings of the node that the message names",
        "检查报错信息点名的节点的配置";
    777777773 Server 500 Maybe;
        "the model's answer is not the JSON that the node declares",
        "模型的回答不是节点所声明的 JSON";
        "say in the prompt which fields to answer with, or set the output format to text",
        "在提示词中写明要输出的字段，或将输出格式改为文本";
    777777774 Parameter 400 Never;
        "a template reads an element of a value that is empty",
        "模板引用了空值中的元素";
        "make sure that the earlier node produces the list, or give it a default",
        "确保上游节点输出了该列表，或为其设置默认值";
    777777775 Server 500 Maybe;
        "an operation inside the workflow failed",
        "工作流内部的操作失败";
        "open debug_url to see which node failed, and report the log id if it keeps failing",
        "打开 debug_url 查看出错的节点；如果一直失败，请带上 logid 反馈";
    777777776 Server 504 Maybe;
        "a node of the workflow ran longer than its time limit",
        "工作流节点的运行时间超出上限";
        "raise the time limit of the node, give it less work, or set what happens on error",
        "调高节点的超时时间、减少其工作量，或配置异常处理";
    777777777 Occupied 409 Never;
        "the run was cancelled by the user",
        "运行已被用户取消";
        "start a new run if you still need the result",
        "如果仍需要结果，请重新发起运行";
    777777778 NotFound 404 Never;
        "the workflow has no such version",
        "工作流没有该版本";
        "list the versions of the workflow, or leave the version out to run the latest one",
        "查询工作流的版本列表，或不传版本号以运行最新版本";
    777777779 Server 500 Maybe;
        "a node failed to read or change a conversation or a message",
        "节点在读取或修改会话、消息时失败";
        "check the conversation name and the ids that the node gets, and run again",
        "检查传给该节点的会话名称和 ID，然后重新运行";
    777777781 Server 500 Maybe;
        "an operation of a workflow node on a conversation or on its messages failed",
        "工作流节点对会话或其消息的操作失败";
        "check that the conversation exists and belongs to this application, and run again",
        "确认会话存在且属于当前应用，然后重新运行";
    777777782 Server 500 Maybe;
        "a conversation or message node of the workflow could not do its work",
        "工作流中的会话或消息节点未能完成操作";
        "check the conversation name and the message id that the node gets, and run again",
        "检查传给该节点的会话名称和消息 ID，然后重新运行";
};
