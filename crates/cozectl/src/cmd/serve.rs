//! `cozectl serve`

use std::net::SocketAddr;

use coze_server::{DEMO_BOT_ID, Dialect, Plan, Seed, Server, ServerConfig, Space, TrafficConfig};

use crate::cli::{DialectArg, SeedArg, ServeArgs};
use crate::cmd::{Threads, block_on};
use crate::error::{Failure, Result};
use crate::exit::ExitStatus;
use crate::language::say;
use crate::printer::Printer;
use crate::signals::{Hangups, Signals, survive_file_limits};
use crate::{dirs, local, start_error};

pub(super) fn run(args: ServeArgs, printer: &mut Printer) -> Result<ExitStatus> {
    if args.print_schema {
        let schema =
            serde_json::to_string_pretty(&Space::schema()).map_err(std::io::Error::from)?;
        printer.line(&schema)?;
        return Ok(ExitStatus::Done);
    }
    let config = config(args)?;
    let data = config.data.display().to_string();
    let asked = config.seed.map(Seed::question);
    let open = config.tokens.is_empty() && config.space.tokens.is_empty();
    block_on(Threads::Many, async {
        let (mut signals, mut hangups) = (Signals::listen(), Hangups::listen());
        survive_file_limits();
        let server = tokio::select! {
            server = Server::start(config) => server.map_err(start_error::start)?,
            () = signals.next() => return Err(Failure::Interrupted),
        };
        printer.note(&say!(
            "the data is in {data}; the built-in agent is {DEMO_BOT_ID}; Ctrl-C stops the server",
            "数据目录：{data}；内置智能体：{DEMO_BOT_ID}；按 Ctrl-C 停止服务"
        ));
        let url = server.url();
        if let Some((bot, question)) = asked {
            let token = if open { "" } else { " --token TOKEN" };
            printer.note(&say!(
                "ask it something that its documents answer: \
                 cozectl chat --base {url}{token} --bot {bot} {question}",
                "问一个资料里有答案的问题：cozectl chat --base {url}{token} --bot {bot} {question}"
            ));
        }
        // Whoever started it may not read on.
        match printer.line(&format!("listening on {url}")) {
            Ok(()) | Err(Failure::Pipe) => {}
            Err(failure) => return Err(failure),
        }
        loop {
            tokio::select! {
                () = signals.next() => break,
                () = hangups.next() => reload(&server, printer).await,
            }
        }
        printer.note(&say!("stopping", "正在停止"));
        tokio::select! {
            () = server.stop() => Ok(ExitStatus::Done),
            () = signals.next() => Err(Failure::Interrupted),
        }
    })
}

/// Reads the configuration again; one that cannot be used changes nothing.
async fn reload(server: &Server, printer: &mut Printer) {
    match server.reload().await {
        Ok(()) => printer.note(&say!("the configuration was read again", "已重新读取配置")),
        Err(error) => printer.failure(&start_error::config(&error)),
    }
}

fn traffic(args: &ServeArgs) -> Option<TrafficConfig> {
    let asked = args.upstream.is_some() || args.replay.is_some();
    asked.then(|| TrafficConfig {
        upstream: args.upstream.clone(),
        record: args.record.clone(),
        replay: args.replay.clone(),
        speed: args.replay_speed,
    })
}

fn config(args: ServeArgs) -> Result<ServerConfig> {
    let space = local::space(args.config.as_deref())?;
    if args.tokens.iter().any(|token| token.trim().is_empty()) {
        return Err(Failure::usage(say!("the token is empty", "令牌为空")));
    }
    if !args.host.is_loopback() && args.tokens.is_empty() && space.tokens.is_empty() {
        let host = args.host;
        return Err(Failure::usage(say!(
            "{host} can be reached by others, and there is no token to keep them out",
            "{host} 可以被其他机器访问，但没有设置令牌"
        ))
        .with_hint(say!(
            "give --token TOKEN, or listen on 127.0.0.1 only",
            "请用 --token 设置令牌，或只监听 127.0.0.1"
        )));
    }
    let traffic = traffic(&args);
    let data = match args.data {
        Some(data) => data,
        None => dirs::data()?.join("server"),
    };
    let mut config = ServerConfig::new(data);
    config.address = SocketAddr::new(args.host, args.port);
    config.tokens = args.tokens;
    config.space = space;
    config.limits.connections = connections().min(config.limits.connections);
    config.traffic = traffic;
    config.watch = true;
    config.seed = args.seed.map(|seed| match seed {
        SeedArg::Demo => Seed::Demo,
    });
    config.faults = args.faults;
    config.fault_seed = args.fault_seed;
    config.plan = args.plan.as_deref().and_then(Plan::named);
    config.dialect = match args.dialect {
        DialectArg::Coze => Dialect::Coze,
        DialectArg::Skill => Dialect::Skill,
    };
    Ok(config)
}

/// Files that the server has open besides its connections.
const OWN_FILES: usize = 128;

/// How many connections there is room for, once the system's own limit is raised as far as it
/// allows: many systems begin with 1,024 files, or fewer.
fn connections() -> usize {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

        let limit = getrlimit(Resource::Nofile);
        let highest = Rlimit {
            current: limit.maximum,
            ..limit
        };
        let files = match setrlimit(Resource::Nofile, highest) {
            Ok(()) => limit.maximum,
            Err(_) => limit.current,
        };
        let files = files.and_then(|files| usize::try_from(files).ok());
        files.map_or(usize::MAX, |files| files.saturating_sub(OWN_FILES).max(16))
    }
    #[cfg(not(unix))]
    usize::MAX
}
