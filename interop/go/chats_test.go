package interop

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/coze-dev/coze-go"
)

var cases = concat(chats, conversations, workflows, bots, datasets, login)

func concat(groups ...[]method) []method {
	var found []method
	for _, group := range groups {
		found = append(found, group...)
	}
	return found
}

func ask(bot, text string) *coze.CreateChatsReq {
	return &coze.CreateChatsReq{
		BotID:    bot,
		UserID:   "u",
		Messages: []*coze.Message{coze.BuildUserQuestionText(text, nil)},
		MetaData: map[string]string{"k": "v"},
	}
}

func (t *T) start(text string) coze.Chat {
	return must(t.coze.Chat.Create(t.ctx, ask(scripted, text))).Chat
}

func (t *T) ended(chat coze.Chat) coze.Chat {
	return until("the chat ends", func() (coze.Chat, bool) {
		now := must(t.coze.Chat.Retrieve(t.ctx, &coze.RetrieveChatsReq{
			ConversationID: chat.ConversationID, ChatID: chat.ID,
		})).Chat
		return now, now.Status != coze.ChatStatusCreated && now.Status != coze.ChatStatusInProgress
	})
}

// answerOf gives the answer of a stream that ended as it should.
func (t *T) answerOf(events []*coze.ChatEvent) string {
	var text strings.Builder
	completed := false
	for _, event := range events {
		completed = completed || event.Event == coze.ChatEventConversationChatCompleted
		if event.Event == coze.ChatEventConversationMessageCompleted && event.Message.Type == coze.MessageTypeAnswer {
			text.WriteString(event.Message.Content)
		}
	}
	t.yes(completed, "the stream has no conversation.chat.completed")
	return text.String()
}

func (t *T) paused() *coze.SubmitToolOutputsChatReq {
	chat := t.ended(t.start("weather"))
	t.equal(chat.Status, coze.ChatStatusRequiresAction)
	call := chat.RequiredAction.SubmitToolOutputs.ToolCalls[0]
	t.equal(call.Function.Name, "get_weather")
	return &coze.SubmitToolOutputsChatReq{
		ConversationID: chat.ConversationID,
		ChatID:         chat.ID,
		ToolOutputs:    []*coze.ToolOutput{{ToolCallID: call.ID, Output: "fog"}},
	}
}

var chats = []method{
	{"Chat.Create", "StartChat RetrieveChat", func(t *T) {
		chat := t.start("hello")
		t.equal(chat.BotID, scripted)
		t.equal(t.ended(chat).Status, coze.ChatStatusCompleted)
		_, err := t.coze.Chat.Create(t.ctx, ask(nowhere, "hello"))
		t.refused(err, 4200)
	}},
	{"Chat.CreateAndPoll", "StartChat RetrieveChat ListChatMessages", func(t *T) {
		polled := must(t.coze.Chat.CreateAndPoll(t.ctx, ask(scripted, "hello"), nil))
		t.equal(polled.Chat.Status, coze.ChatStatusCompleted)
		t.equal(polled.Messages[0].Content, answer)
	}},
	{"Chat.Stream", "StartChat", func(t *T) {
		events := all(t.coze.Chat.Stream(t.ctx, ask(scripted, "hello")))
		var deltas strings.Builder
		for _, event := range events {
			if event.Event == coze.ChatEventConversationMessageDelta {
				deltas.WriteString(event.Message.Content)
			}
		}
		t.equal(events[0].Event, coze.ChatEventConversationChatCreated)
		t.equal(deltas.String(), answer)
		t.equal(t.answerOf(events), answer)
	}},
	{"Chat.Retrieve", "RetrieveChat StartChat", func(t *T) {
		chat := t.start("hello")
		t.equal(t.ended(chat).ID, chat.ID)
		_, err := t.coze.Chat.Retrieve(t.ctx, &coze.RetrieveChatsReq{
			ConversationID: chat.ConversationID, ChatID: nowhere,
		})
		t.refused(err, noChat)
	}},
	{"Chat.Cancel", "CancelChat StartChat", func(t *T) {
		chat := t.start("crawl")
		canceled := must(t.coze.Chat.Cancel(t.ctx, &coze.CancelChatsReq{
			ConversationID: chat.ConversationID, ChatID: chat.ID,
		}))
		t.equal(string(canceled.Chat.Status), "canceled")
	}},
	{"Chat.Messages.List", "ListChatMessages StartChat RetrieveChat", func(t *T) {
		chat := t.ended(t.start("hello"))
		listed := must(t.coze.Chat.Messages.List(t.ctx, &coze.ListChatsMessagesReq{
			ConversationID: chat.ConversationID, ChatID: chat.ID,
		}))
		t.equal(len(listed.Messages), 2)
		t.equal(listed.Messages[0].Content, answer)
	}},
	{"Chat.SubmitToolOutputs", "SubmitToolOutputs StartChat RetrieveChat", func(t *T) {
		chat := must(t.coze.Chat.SubmitToolOutputs(t.ctx, t.paused())).Chat
		t.equal(t.ended(chat).Status, coze.ChatStatusCompleted)
	}},
	{"Chat.StreamSubmitToolOutputs", "SubmitToolOutputs StartChat RetrieveChat", func(t *T) {
		events := all(t.coze.Chat.StreamSubmitToolOutputs(t.ctx, t.paused()))
		t.equal(t.answerOf(events), "The tool said: fog")
	}},
}

// said gives what the server answers to an empty call, as an error.
func (t *T) said(path string) error {
	answer := must(http.Post(t.base+path, "application/json", strings.NewReader("{}")))
	defer answer.Body.Close()
	return fmt.Errorf("there is no token: %s", must(io.ReadAll(answer.Body)))
}

var login = []method{
	{"JWTOAuthClient.GetAccessToken", "CreateToken", func(t *T) {
		block := &pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(t.key))}
		client := must(coze.NewJWTOAuthClient(coze.NewJWTOAuthClientParam{
			ClientID:      "jwt.app",
			PublicKey:     "test-key",
			PrivateKeyPEM: string(pem.EncodeToMemory(block)),
		}, coze.WithAuthBaseURL(t.base)))
		token := must(client.GetAccessToken(t.ctx, nil))
		if token.AccessToken == "" {
			// The SDK takes any answer that is no refusal of OAuth for a token.
			t.must(t.said("/api/permission/oauth2/token"))
		}
		api := coze.NewCozeAPI(coze.NewTokenAuth(token.AccessToken), coze.WithBaseURL(t.base))
		t.yes(must(api.Users.Me(t.ctx)).UserID != "", "the token does not let in")
	}},
}
