// SPDX-License-Identifier: MIT
// Runs a flow with Langflow's client, whole and as a stream, and prints what it got as JSON.
//   node langflow.mjs URL KEY FLOW NODE-TO-TWEAK
import { LangflowClient } from "@datastax/langflow-client";

const [baseUrl, apiKey, flowId, tweaked] = process.argv.slice(2);
const flow = new LangflowClient({ baseUrl, apiKey }).flow(flowId);
const found = {};

const whole = await flow.run("hello", { session_id: "from-node" });
found.text = whole.chatOutputText();
found.session = whole.sessionId;

await flow.tweak(tweaked, { temperature: 0.7 }).run("tweaked");

found.events = [];
for await (const event of await flow.stream("and now in pieces")) {
  found.events.push(event);
}

try {
  await new LangflowClient({ baseUrl, apiKey: "sk-wrong" }).flow(flowId).run("hello");
} catch (error) {
  found.refused = error.message;
}

const abort = new AbortController();
const slow = await flow.stream("slowly", { signal: abort.signal });
try {
  for await (const event of slow) {
    if (event.event === "token") abort.abort();
  }
} catch (error) {
  found.aborted = error.name;
}
console.log(JSON.stringify(found));
