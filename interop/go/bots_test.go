package interop

import "github.com/coze-dev/coze-go"

func (t *T) bot() string {
	return must(t.coze.Bots.Create(t.ctx, &coze.CreateBotsReq{
		SpaceID:     space,
		Name:        fresh("agent"),
		Description: "made by a test",
		PromptInfo:  &coze.BotPromptInfo{Prompt: "You are brief."},
	})).BotID
}

func (t *T) publish(bot string) {
	must(t.coze.Bots.Publish(t.ctx, &coze.PublishBotsReq{BotID: bot, ConnectorIDs: []string{"1024"}}))
}

var bots = []method{
	{"Bots.Create", "CreateBot PublishBot RetrieveOnlineBot", func(t *T) {
		bot := t.bot()
		t.publish(bot)
		found := must(t.coze.Bots.Retrieve(t.ctx, &coze.RetrieveBotsReq{BotID: bot}))
		t.equal(found.Description, "made by a test")
		t.equal(found.PromptInfo.Prompt, "You are brief.")
	}},
	{"Bots.Update", "UpdateBot CreateBot PublishBot RetrieveOnlineBot", func(t *T) {
		bot := t.bot()
		must(t.coze.Bots.Update(t.ctx, &coze.UpdateBotsReq{BotID: bot, Name: "Renamed"}))
		t.publish(bot)
		t.equal(must(t.coze.Bots.Retrieve(t.ctx, &coze.RetrieveBotsReq{BotID: bot})).Name, "Renamed")
	}},
	{"Bots.Publish", "PublishBot CreateBot StartChat", func(t *T) {
		bot := t.bot()
		_, err := t.coze.Chat.Create(t.ctx, ask(bot, "hello"))
		t.refused(err, 4015)
		t.publish(bot)
		t.yes(t.answerOf(all(t.coze.Chat.Stream(t.ctx, ask(bot, "hello")))) != "", "there is no answer")
	}},
	{"Bots.List", "ListPublishedBots", func(t *T) {
		found := items[coze.SimpleBot](t.coze.Bots.List(t.ctx, &coze.ListBotsReq{SpaceID: space, PageNum: 1, PageSize: 1}))
		names := map[string]string{}
		for _, it := range found {
			names[it.BotID] = it.BotName
		}
		t.equal(names[scripted], "Scripted")
		t.yes(len(names) >= 2, "all pages")
	}},
	{"Bots.Retrieve", "RetrieveOnlineBot RetrieveBot", func(t *T) {
		for version := 1; version <= 2; version++ {
			found := must(t.coze.Bots.Retrieve(t.ctx, &coze.RetrieveBotsReq{BotID: scripted, UseAPIVersion: version}))
			t.equal(found.OnboardingInfo.Prologue, "Welcome")
			_, err := t.coze.Bots.Retrieve(t.ctx, &coze.RetrieveBotsReq{BotID: nowhere, UseAPIVersion: version})
			t.refused(err, 4200)
		}
	}},
}
