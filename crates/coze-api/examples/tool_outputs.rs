//! Carries out the tools of an agent that are left to the caller.
//!
//! Needs `COZE_API_TOKEN`, and in `COZE_BOT_ID` an agent with a local tool such as `get_weather`;
//! `COZE_API_BASE` for another server than api.coze.cn.

use coze_api::Coze;

fn carry_out(tool: &str, arguments: &str) -> String {
    match tool {
        "get_weather" => "晴，18 °C".to_owned(),
        other => format!("there is no tool {other} that could take {arguments}"),
    }
}

#[tokio::main]
async fn main() -> coze_api::Result<()> {
    let coze = Coze::from_env()?;
    let chat = coze
        .default_chat()?
        .user("example")
        .message("杭州天气怎么样？");
    let mut reply = chat.reply().await?;
    // It may want tools again after it has seen the first outputs.
    while reply.requires_action() {
        let mut answer = coze.submit_tool_outputs(&reply);
        for call in reply.tool_calls() {
            let Some(tool) = &call.function else { continue };
            println!("{} {}", tool.name, tool.arguments);
            answer = answer.output(&call.id, carry_out(&tool.name, &tool.arguments));
        }
        reply = answer.reply().await?;
    }
    println!("{}", reply.text());
    Ok(())
}
