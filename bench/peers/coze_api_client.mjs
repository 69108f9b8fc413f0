// The vendor's Node SDK as one of the programs that are measured; see ../README.md.
//
// `coze_api_client.mjs stream|streams|create BASE COUNT` does one thing and prints one line of JSON,
// as the clients in `src/clients.rs` do. Without arguments it prints the version of the SDK.

import { readFile } from "node:fs/promises";

import { ChatEventType, CozeAPI, RoleType } from "@coze/api";

const BOT = "7379462189365198898";
// Digits in front of the text of a delta that says when it was sent.
const STAMP = 20;

const question = () => ({
  bot_id: BOT,
  user_id: "bench",
  additional_messages: [{ role: RoleType.User, content: "hi", content_type: "text" }],
});

class Meter {
  events = 0;
  bytes = 0;
  lags = [];
  cpu = process.cpuUsage();
  start = process.hrtime.bigint();

  event(event) {
    this.events += 1;
    if (event.event === ChatEventType.CONVERSATION_MESSAGE_DELTA) {
      this.bytes += Buffer.byteLength(event.data.content);
    }
  }

  delivered(event) {
    this.event(event);
    if (event.event === ChatEventType.CONVERSATION_MESSAGE_DELTA) {
      const sent = BigInt(event.data.content.slice(0, STAMP));
      this.lags.push(Number(process.hrtime.bigint() - sent));
    }
  }

  stop() {
    const wall = Number(process.hrtime.bigint() - this.start);
    const { user, system } = process.cpuUsage(this.cpu);
    this.lags.sort((a, b) => a - b);
    const sample = {
      wall,
      cpu: (user + system) * 1000,
      memory: process.resourceUsage().maxRSS * 1024,
      events: this.events,
      bytes: this.bytes,
      lag: this.lags[Math.floor((this.lags.length * 99) / 100)] ?? null,
    };
    console.log(JSON.stringify(sample));
  }
}

const client = (baseURL) => new CozeAPI({ baseURL, token: "pat_bench" });

async function stream(base) {
  const coze = client(base);
  const meter = new Meter();
  for await (const event of coze.chat.stream(question())) {
    meter.event(event);
  }
  meter.stop();
}

async function streams(base, count) {
  const coze = client(base);
  const meter = new Meter();
  const one = async () => {
    for await (const event of coze.chat.stream(question())) {
      meter.delivered(event);
    }
  };
  await Promise.all(Array.from({ length: count }, one));
  meter.stop();
}

async function create(base, count) {
  const coze = client(base);
  const meter = new Meter();
  for (let call = 0; call < count; call += 1) {
    const chat = await coze.chat.create(question());
    meter.events += 1;
    meter.bytes += chat.id.length;
  }
  meter.stop();
}

async function version() {
  const file = new URL("node_modules/@coze/api/package.json", import.meta.url);
  console.log(JSON.parse(await readFile(file, "utf8")).version);
}

const [task, base, count] = process.argv.slice(2);
const tasks = { undefined: version, stream, streams, create };
if (!(task in tasks)) {
  console.error("usage: coze_api_client.mjs stream|streams|create BASE COUNT");
  process.exit(2);
}
await tasks[task](base, Number(count));
