//! A model that is an agent of a Coze account, or of another server that speaks its API.
//!
//! The agent there has a prompt, tools and knowledge of its own. What is said here travels as the
//! messages of one chat that leaves no history there; what the agent here is told goes in front of
//! them.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use coze_api::{ChatStream, Error, Recover, RetryPolicy};
use coze_types::chat_event::ChatEvent;
use coze_types::messages::{EnterMessage, Message, MessageType, ObjectStringItem};
use futures_util::{StreamExt, stream};

use super::attempts::{self, Attempt, Broken};
use super::offline::usage_of;
use super::{
    Model, ModelError, ModelEvent, ModelMessage, ModelRequest, ModelStream, Part, count_tokens,
};
use crate::config::{CozeConfig, Misfit, Waits};

/// Messages that a chat takes.
const MESSAGES: usize = 100;
/// Whom the agent answers where nobody is named.
const USER: &str = "coze-rs";

/// An agent behind the Coze API.
pub(crate) struct Coze {
    name: String,
    bot: String,
    base_url: String,
    token_env: String,
    waits: Waits,
    retry: bool,
}

impl Coze {
    pub(crate) fn new(config: &CozeConfig) -> Result<Self, Misfit> {
        let model = Self {
            name: format!("coze/{}", config.bot_id),
            bot: config.bot_id.clone(),
            base_url: config.base_url.clone(),
            token_env: config.token_env.clone(),
            waits: config.timeouts.waits(None),
            retry: config.retry,
        };
        // What is wrong with the address shows now, and not with the first chat.
        let client = model.client("unused".to_owned());
        client.map_err(|error| Misfit::new("base_url", format!("base_url: {error}")))?;
        Ok(model)
    }

    fn client(&self, token: String) -> Result<coze_api::Coze, Error> {
        let client = coze_api::Coze::builder()
            .base_url(&self.base_url)
            .token(token)
            .connect_timeout(self.waits.connect)
            .first_byte_timeout(self.waits.first_byte)
            .idle_timeout(self.waits.silence)
            // What is asked again, and how often, is decided here.
            .retry(RetryPolicy::none())
            .recover(Recover::Off);
        client.build()
    }

    fn call(&self, request: ModelRequest) -> Result<Call, ModelError> {
        let fail = |code, why: String| ModelError {
            code,
            msg: format!("the model {}: {why}", self.name),
        };
        if let Some(tool) = request.tools.first() {
            let why = format!(
                "it is an agent with tools of its own and cannot be given {:?}",
                tool.name
            );
            return Err(fail(4012, why));
        }
        let token = std::env::var(&self.token_env).map_err(|_| {
            let why = format!("the environment variable {} is not set", self.token_env);
            fail(4012, why)
        })?;
        let client = self.client(token);
        Ok(Call {
            client: client.map_err(|error| fail(4012, error.to_string()))?,
            name: self.name.clone(),
            bot: self.bot.clone(),
            input: usage_of(&request),
            request,
        })
    }
}

impl Model for Coze {
    fn name(&self) -> &str {
        &self.name
    }

    /// The agent there suggests by itself, if it is to.
    fn can_suggest(&self) -> bool {
        false
    }

    fn respond(&self, request: ModelRequest) -> ModelStream {
        let call = match self.call(request) {
            Ok(call) => Arc::new(call),
            Err(error) => return stream::iter([Err(error)]).boxed(),
        };
        let attempt = move || Arc::clone(&call).attempt();
        attempts::ask(&self.name, attempt, self.retry, self.waits.total)
    }
}

/// A question, ready to be sent as often as it takes.
struct Call {
    client: coze_api::Coze,
    name: String,
    bot: String,
    request: ModelRequest,
    /// Tokens of the question, counted here for servers that do not count.
    input: i64,
}

/// An answer under way. Dropping it closes the connection and cancels the chat.
struct Answer {
    call: Arc<Call>,
    chat: ChatStream,
    /// The answer whose pieces came, to tell those that come whole.
    pieces: Option<coze_types::Id>,
    output: i64,
    follow_ups: Vec<String>,
}

impl Call {
    fn attempt(self: Arc<Self>) -> Attempt {
        let begin = async move {
            match self.start().await {
                Ok(chat) => Ok(Answer {
                    call: self,
                    chat,
                    pieces: None,
                    output: 0,
                    follow_ups: Vec::new(),
                }),
                Err(error) => Err(self.broken(&error)),
            }
        };
        stream::once(begin)
            .flat_map(|begun| match begun {
                Ok(answer) => answer.events(),
                Err(broken) => stream::iter([Err(broken)]).boxed(),
            })
            .boxed()
    }

    async fn start(&self) -> Result<ChatStream, Error> {
        let user = match self.request.user.as_str() {
            "" => USER,
            user => user,
        };
        let messages = self.messages().await?;
        let chat = self.client.chat(self.bot.as_str()).user(user);
        chat.messages(messages).save_history(false).stream().await
    }

    async fn messages(&self) -> Result<Vec<EnterMessage>, Error> {
        let mut messages = Vec::new();
        let instructions = self.request.instructions();
        let first = usize::from(!instructions.is_empty());
        if first > 0 {
            messages.push(EnterMessage::user(instructions));
        }
        for message in &self.request.messages {
            match message {
                ModelMessage::User(parts) => messages.push(self.question(parts).await?),
                ModelMessage::Assistant { text, .. } if text.is_empty() => {}
                ModelMessage::Assistant { text, .. } => {
                    messages.push(EnterMessage::assistant(text));
                }
                // Only tools of ours have outputs, and it was given none.
                ModelMessage::Tool { .. } => {}
            }
        }
        // No more are taken at once; the oldest behind the instructions go.
        let spare = messages.len().saturating_sub(MESSAGES);
        messages.drain(first..first + spare);
        Ok(messages)
    }

    /// Text alone is text; with images it is a list, and images that lie here are uploaded there.
    async fn question(&self, parts: &[Part]) -> Result<EnterMessage, Error> {
        let images = parts.iter().any(|it| matches!(it, Part::Image(_)));
        if !images {
            return Ok(EnterMessage::user(super::text_of(parts)));
        }
        let mut items = Vec::new();
        let text = super::text_of(parts);
        if !text.is_empty() {
            items.push(ObjectStringItem::text(text));
        }
        for part in parts {
            let Part::Image(url) = part else { continue };
            items.push(match embedded(url) {
                None => ObjectStringItem::image_url(url),
                Some((name, bytes)) => {
                    let file = self.client.upload_bytes(name, bytes).await?;
                    ObjectStringItem::image(file.id)
                }
            });
        }
        Ok(EnterMessage::user_objects(&items))
    }

    /// What went wrong, in terms of a model: it is not there for us, it is busy, or it is broken.
    fn broken(&self, error: &Error) -> Broken {
        let code = match (error.code(), error.http()) {
            (Some(code @ (4008 | 4009 | 4013 | 4028)), _) => code,
            (Some(4100 | 4101 | 4200 | 4015 | 4018), _) | (_, Some(401 | 403)) => 4012,
            (_, Some(429)) => 4013,
            _ if matches!(error, Error::Auth(_)) => 4012,
            _ => 5000,
        };
        let error_of = |code| ModelError {
            code,
            msg: format!("the model {}: {error}", self.name),
        };
        let cut = matches!(error, Error::Stream(_));
        match code == 5000 && (cut || error.is_retryable()) && !is_timeout(error) {
            true => Broken::for_now(error_of(code)),
            false => Broken::for_good(error_of(code)),
        }
    }
}

/// It was waited for long enough.
fn is_timeout(error: &Error) -> bool {
    match error {
        Error::Transport(error) => error.waited.is_some(),
        _ => false,
    }
}

impl Answer {
    fn events(self) -> Attempt {
        stream::unfold(Some(self), |state| async move {
            let mut answer = state?;
            loop {
                match answer.chat.next().await {
                    None => {
                        let broken = answer.call.ended();
                        return Some((vec![Err(broken)], None));
                    }
                    Some(Err(error)) => {
                        let broken = answer.call.broken(&error);
                        return Some((vec![Err(broken)], None));
                    }
                    Some(Ok(ChatEvent::Completed(chat))) => {
                        let usage = chat.usage.filter(|it| it.token_count > 0);
                        let (input, output) = match usage {
                            Some(usage) => (usage.input_count, usage.output_count),
                            None => (answer.call.input, answer.output),
                        };
                        let mut events = Vec::new();
                        if !answer.follow_ups.is_empty() {
                            let texts = std::mem::take(&mut answer.follow_ups);
                            events.push(Ok(ModelEvent::FollowUps(texts)));
                        }
                        events.push(Ok(ModelEvent::Usage { input, output }));
                        return Some((events, None));
                    }
                    Some(Ok(ChatEvent::RequiresAction(_))) => {
                        let why = "the agent there waits for the output of a tool of its caller, \
                                   and nobody here has that tool";
                        let broken = answer.call.refused(why);
                        return Some((vec![Err(broken)], None));
                    }
                    Some(Ok(event)) => {
                        let events = answer.event(event);
                        if !events.is_empty() {
                            return Some((events, Some(answer)));
                        }
                    }
                }
            }
        })
        .flat_map(stream::iter)
        .boxed()
    }

    fn event(&mut self, event: ChatEvent) -> Vec<Result<ModelEvent, Broken>> {
        let mut events = Vec::new();
        match event {
            ChatEvent::Delta(delta) => {
                self.pieces = Some(delta.id.clone());
                self.say(delta.reasoning_content, delta.content, &mut events);
            }
            ChatEvent::MessageCompleted(message) => self.whole(*message, &mut events),
            _ => {}
        }
        events
    }

    /// An answer that came in pieces has been told.
    fn whole(&mut self, message: Message, events: &mut Vec<Result<ModelEvent, Broken>>) {
        match message.kind {
            MessageType::Answer if self.pieces.as_ref() != Some(&message.id) => {
                self.say(message.reasoning_content, message.content, events);
            }
            MessageType::FollowUp => self.follow_ups.push(message.content),
            _ => {}
        }
    }

    fn say(
        &mut self,
        reasoning: Option<String>,
        text: String,
        events: &mut Vec<Result<ModelEvent, Broken>>,
    ) {
        if let Some(reasoning) = reasoning.filter(|it| !it.is_empty()) {
            self.output += count_tokens(&reasoning);
            events.push(Ok(ModelEvent::Reasoning(reasoning)));
        }
        if !text.is_empty() {
            self.output += count_tokens(&text);
            events.push(Ok(ModelEvent::Text(text)));
        }
    }
}

impl Call {
    fn refused(&self, why: &str) -> Broken {
        let msg = format!("the model {}: {why}", self.name);
        Broken::for_good(ModelError { code: 5000, msg })
    }

    /// A stream that is not told to have ended is an error of the client's already; this is for one
    /// that ends without the chat.
    fn ended(&self) -> Broken {
        self.refused("its stream ended before the chat did")
    }
}

/// The name and the bytes of an image that is its own address.
fn embedded(url: &str) -> Option<(String, Vec<u8>)> {
    let (kind, data) = url.strip_prefix("data:image/")?.split_once(";base64,")?;
    let bytes = STANDARD.decode(data).ok()?;
    Some((format!("image.{kind}"), bytes))
}
