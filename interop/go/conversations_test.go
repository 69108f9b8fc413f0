package interop

import (
	"strings"

	"github.com/coze-dev/coze-go"
)

func (t *T) conversation() string {
	return must(t.coze.Conversations.Create(t.ctx, &coze.CreateConversationsReq{
		BotID:    scripted,
		Messages: []*coze.Message{coze.BuildUserQuestionText("first", nil)},
		MetaData: map[string]string{"k": "v"},
	})).ID
}

func (t *T) put(conversation, content string) (*coze.CreateMessageResp, error) {
	return t.coze.Conversations.Messages.Create(t.ctx, &coze.CreateMessageReq{
		ConversationID: conversation,
		Role:           coze.MessageRoleUser,
		Content:        content,
		ContentType:    coze.MessageContentTypeText,
	})
}

func (t *T) read(conversation, message string) (*coze.RetrieveConversationsMessagesResp, error) {
	return t.coze.Conversations.Messages.Retrieve(t.ctx, &coze.RetrieveConversationsMessagesReq{
		ConversationID: conversation, MessageID: message,
	})
}

func (t *T) answered() (string, string) {
	events := all(t.coze.Chat.Stream(t.ctx, ask(scripted, "hello")))
	for _, event := range events {
		if event.Message != nil && event.Message.Type == coze.MessageTypeAnswer {
			return event.Message.ConversationID, event.Message.ID
		}
	}
	t.yes(false, "there is no answer")
	return "", ""
}

func (t *T) rate(conversation, message string) error {
	_, err := t.coze.Conversations.Messages.Feedback.Create(t.ctx, &coze.CreateConversationMessageFeedbackReq{
		ConversationID: conversation, MessageID: message, FeedbackType: coze.FeedbackTypeLike,
	})
	return err
}

func (t *T) upload(name, content string) string {
	file := coze.NewUploadFile(strings.NewReader(content), name)
	return must(t.coze.Files.Upload(t.ctx, &coze.UploadFilesReq{File: file})).ID
}

var conversations = []method{
	{"Conversations.Create", "CreateConversation", func(t *T) {
		t.yes(t.conversation() != "", "there is no id")
	}},
	{"Conversations.Retrieve", "RetrieveConversation CreateConversation", func(t *T) {
		id := t.conversation()
		found := must(t.coze.Conversations.Retrieve(t.ctx, &coze.RetrieveConversationsReq{ConversationID: id}))
		t.equal(found.MetaData, map[string]string{"k": "v"})
		_, err := t.coze.Conversations.Retrieve(t.ctx, &coze.RetrieveConversationsReq{ConversationID: nowhere})
		t.refused(err, noConversation)
	}},
	{"Conversations.List", "ListConversations CreateConversation", func(t *T) {
		older, newer := t.conversation(), t.conversation()
		found := items[coze.Conversation](t.coze.Conversations.List(t.ctx, &coze.ListConversationsReq{
			BotID: scripted, PageNum: 1, PageSize: 1,
		}))
		t.equal([]string{found[0].ID, found[1].ID}, []string{newer, older})
	}},
	{"Conversations.Clear", "ClearConversation CreateConversation", func(t *T) {
		id := t.conversation()
		section := must(t.coze.Conversations.Clear(t.ctx, &coze.ClearConversationsReq{ConversationID: id}))
		t.equal(section.ConversationID, id)
	}},
	{"Conversations.Messages.Create", "CreateMessage CreateConversation", func(t *T) {
		made := must(t.put(t.conversation(), "second 你好"))
		t.equal(made.Message.Content, "second 你好")
		_, err := t.put(nowhere, "x")
		t.refused(err, noConversation)
	}},
	{"Conversations.Messages.Retrieve", "RetrieveMessage CreateMessage CreateConversation", func(t *T) {
		id := t.conversation()
		made := must(t.put(id, "second"))
		t.equal(must(t.read(id, made.ID)).Content, "second")
		_, err := t.read(id, nowhere)
		t.refused(err, noMessage)
	}},
	{"Conversations.Messages.Update", "ModifyMessage RetrieveMessage CreateMessage CreateConversation", func(t *T) {
		id := t.conversation()
		made := must(t.put(id, "second"))
		must(t.coze.Conversations.Messages.Update(t.ctx, &coze.UpdateConversationMessagesReq{
			ConversationID: id, MessageID: made.ID, Content: "third", ContentType: coze.MessageContentTypeText,
		}))
		t.equal(must(t.read(id, made.ID)).Content, "third")
	}},
	{"Conversations.Messages.List", "ListMessages CreateMessage CreateConversation", func(t *T) {
		id := t.conversation()
		must(t.put(id, "second"))
		must(t.put(id, "third"))
		order, limit := "asc", 2
		found := items[coze.Message](t.coze.Conversations.Messages.List(t.ctx, &coze.ListConversationsMessagesReq{
			ConversationID: id, Order: &order, Limit: limit,
		}))
		var contents []string
		for _, message := range found {
			contents = append(contents, message.Content)
		}
		t.equal(contents, []string{"first", "second", "third"})
	}},
	{"Conversations.Messages.Delete", "DeleteMessage RetrieveMessage CreateMessage CreateConversation", func(t *T) {
		id := t.conversation()
		made := must(t.put(id, "second"))
		must(t.coze.Conversations.Messages.Delete(t.ctx, &coze.DeleteConversationsMessagesReq{
			ConversationID: id, MessageID: made.ID,
		}))
		_, err := t.read(id, made.ID)
		t.refused(err, noMessage)
	}},
	{"Conversations.Messages.Feedback.Create", "CreateFeedback StartChat", func(t *T) {
		conversation, message := t.answered()
		t.must(t.rate(conversation, message))
		t.refused(t.rate(conversation, nowhere), noMessage)
	}},
	{"Conversations.Messages.Feedback.Delete", "DeleteFeedback CreateFeedback StartChat", func(t *T) {
		conversation, message := t.answered()
		t.must(t.rate(conversation, message))
		must(t.coze.Conversations.Messages.Feedback.Delete(t.ctx, &coze.DeleteConversationMessageFeedbackReq{
			ConversationID: conversation, MessageID: message,
		}))
	}},
	{"Files.Upload", "UploadFile", func(t *T) {
		t.yes(t.upload("笔记.txt", "hello") != "", "there is no id")
	}},
	{"Files.Retrieve", "RetrieveFile UploadFile", func(t *T) {
		id := t.upload("notes.txt", "hello")
		found := must(t.coze.Files.Retrieve(t.ctx, &coze.RetrieveFilesReq{FileID: id}))
		t.equal(found.FileName, "notes.txt")
		t.equal(found.Bytes, 5)
		_, err := t.coze.Files.Retrieve(t.ctx, &coze.RetrieveFilesReq{FileID: nowhere})
		t.refused(err, 4200)
	}},
}
