// SPDX-License-Identifier: MIT
// Chats with an agent as web applications do, with the AI SDK's transport and its checked reading of the stream, and prints
// what came as JSON.
//   node agents.mjs URL KEY MODEL ACTION
import { DefaultChatTransport, readUIMessageStream, uiMessageChunkSchema, validateUIMessages } from "ai";

const [baseUrl, apiKey, model, actionId] = process.argv.slice(2);
const headers = { Authorization: `Bearer ${apiKey}` };
const found = {};

async function post(path, body) {
  const response = await fetch(baseUrl + path, {
    method: "POST", headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  return { ...(await response.json()), status: response.status };
}

const made = await post("/agent/v1/create", {
  name: "From a web application", instruction: "Be brief.", model, actions: [{ actionId, requiresConfirmation: false }],
});
found.made = made.status;

const form = new FormData();
form.append("file", new Blob(["The mascot is a heron."], { type: "text/plain" }), "facts.txt");
const uploaded = await fetch(`${baseUrl}/attachment/v1/upload`, { method: "POST", headers, body: form });
const { attachmentId } = await uploaded.json();

const transport = new DefaultChatTransport({
  api: `${baseUrl}/agent/v1/chat/completions`,
  headers,
  prepareSendMessagesRequest: ({ messages, headers: given }) => ({
    headers: given, body: { agentId: made.agent.id, messages, stream: true },
  }),
});

async function turn(messages, abortSignal) {
  const stream = await transport.sendMessages({ trigger: "submit-message", chatId: "c", messageId: undefined, messages, abortSignal });
  let last;
  for await (const message of readUIMessageStream({ stream, terminateOnError: true })) last = structuredClone(message);
  return last;
}

const history = [{
  id: "u1", role: "user", metadata: { attachments: [attachmentId] },
  parts: [{ type: "text", text: "How many tickets?" }, { type: "file", mediaType: "text/csv", url: "data:text/csv;base64,YSxi" }],
}];
const first = await turn(history);
found.first = first;
history.push(first, { id: "u2", role: "user", parts: [{ type: "text", text: "Sure?" }] });
await validateUIMessages({ messages: history });
found.second = await turn(history);

// Every chunk of a raw stream against the SDK's own strict schema.
const raw = await fetch(`${baseUrl}/agent/v1/chat/completions`, {
  method: "POST", headers: { ...headers, "Content-Type": "application/json" },
  body: JSON.stringify({ agentId: made.agent.id, messages: history.slice(0, 1), stream: true }),
});
found.chunks = [];
const schema = typeof uiMessageChunkSchema === "function" ? uiMessageChunkSchema() : uiMessageChunkSchema;
for (const event of (await raw.text()).split("\n\n")) {
  if (!event.startsWith("data: {")) continue;
  const checked = await schema.validate(JSON.parse(event.slice(6)));
  if (!checked.success) throw checked.error;
  found.chunks.push(checked.value.type);
}

try {
  await turn([{ id: "x", role: "user", parts: [{ type: "text", text: "fail" }] }]);
} catch (error) {
  found.failed = error.message;
}
try {
  await turn([]);
} catch (error) {
  found.refused = error.message;
}

const leaving = new AbortController();
const slow = turn([{ id: "y", role: "user", parts: [{ type: "text", text: "slow" }] }], leaving.signal);
setTimeout(() => leaving.abort(), 500);
await slow.catch((error) => { found.aborted = error.name; });
found.aborted ??= "ended";
console.log(JSON.stringify(found));
