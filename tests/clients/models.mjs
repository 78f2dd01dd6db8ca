// SPDX-License-Identifier: MIT
// Uses the model endpoints with OpenAI's and Anthropic's own clients and with the AI SDK's, and prints what came as JSON.
//   node models.mjs URL KEY MODEL EMBEDDING_MODEL
import Anthropic from "@anthropic-ai/sdk";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { embedMany, generateObject, generateText, stepCountIs, streamText, tool } from "ai";
import OpenAI from "openai";
import { z } from "zod";

const [baseUrl, apiKey, model, embedding] = process.argv.slice(2);
const found = { openai: {}, anthropic: {}, ai: {} };
const weather = {
  name: "weather", description: "Weather of a place",
  schema: { type: "object", properties: { place: { type: "string" } }, required: ["place"] },
};

// --- openai
const openai = new OpenAI({ apiKey, baseURL: `${baseUrl}/openai/eu/v1`, maxRetries: 0 });
const asked = { model, messages: [{ role: "user", content: "Hi" }] };
const functions = [{ type: "function", function: { name: weather.name, description: weather.description, parameters: weather.schema } }];

const whole = await openai.chat.completions.create({ ...asked, temperature: 0.5 });
found.openai.text = whole.choices[0].message.content;
found.openai.usage = whole.usage;
found.openai.finish = whole.choices[0].finish_reason;

const stream = openai.chat.completions.stream({ ...asked, stream_options: { include_usage: true } });
found.openai.pieces = 0;
stream.on("content", () => { found.openai.pieces += 1; });
const streamed = await stream.finalChatCompletion();
found.openai.streamed = streamed.choices[0].message.content;
found.openai.streamedUsage = streamed.usage.total_tokens;

const called = await openai.chat.completions.stream({ ...asked, tools: functions }).finalChatCompletion();
const call = called.choices[0].message.tool_calls[0];
found.openai.call = { name: call.function.name, arguments: JSON.parse(call.function.arguments), finish: called.choices[0].finish_reason };
const after = await openai.chat.completions.create({
  ...asked, tools: functions, tool_choice: "none",
  messages: [...asked.messages, called.choices[0].message, { role: "tool", tool_call_id: call.id, content: "sunny" }],
});
found.openai.after = after.choices[0].message.content;
found.openai.models = (await openai.models.list()).data.map((m) => m.id);
found.openai.vectors = (await openai.embeddings.create({ model: embedding, input: ["one", "two"] })).data.map((d) => d.embedding.length);
await openai.chat.completions.create({ ...asked, model: "no-such-model" }).catch((e) => { found.openai.refused = { status: e.status, name: e.constructor.name }; });
const failing = await openai.chat.completions.create({ ...asked, stream: true });
try {
  for await (const _ of failing);
} catch (error) {
  found.openai.broken = error.constructor.name;
}

// --- anthropic
const anthropic = new Anthropic({ apiKey, baseURL: `${baseUrl}/anthropic/eu`, maxRetries: 0 });
const question = { model, max_tokens: 100, messages: [{ role: "user", content: "Hi" }] };
const tools = [{ name: weather.name, description: weather.description, input_schema: weather.schema }];

const message = await anthropic.messages.create({ ...question, system: "Be brief." });
found.anthropic.text = message.content.map((b) => b.text).join("");
found.anthropic.stop = message.stop_reason;
found.anthropic.usage = message.usage;
const flow = anthropic.messages.stream(question);
found.anthropic.pieces = 0;
flow.on("text", () => { found.anthropic.pieces += 1; });
found.anthropic.streamed = (await flow.finalMessage()).content[0].text;
const use = await anthropic.messages.stream({ ...question, tools }).finalMessage();
const block = use.content.find((b) => b.type === "tool_use");
found.anthropic.call = { name: block.name, input: block.input, stop: use.stop_reason };
const answer = await anthropic.messages.create({
  ...question, tools,
  messages: [
    ...question.messages, { role: "assistant", content: use.content },
    { role: "user", content: [{ type: "tool_result", tool_use_id: block.id, content: "sunny" }] },
  ],
});
found.anthropic.after = answer.content[0].text;
found.anthropic.tokens = (await anthropic.messages.countTokens({ model, messages: question.messages })).input_tokens;
found.anthropic.models = (await anthropic.models.list()).data.map((m) => m.id);
await anthropic.messages.create({ ...question, model: "no-such-model" }).catch((e) => { found.anthropic.refused = { status: e.status, type: e.error?.error?.type }; });

// --- the AI SDK over both
const providers = {
  openai: createOpenAI({ apiKey, baseURL: `${baseUrl}/openai/v1` }).chat(model),
  anthropic: createAnthropic({ apiKey, baseURL: `${baseUrl}/anthropic/v1` })(model),
};
for (const [name, sdk] of Object.entries(providers)) {
  const result = {};
  const set = { weather: tool({ description: weather.description, inputSchema: z.object({ place: z.string() }), execute: async ({ place }) => `sunny in ${place}` }) };
  const generated = await generateText({ model: sdk, prompt: "Hi", maxRetries: 0 });
  result.text = generated.text;
  result.total = generated.usage.totalTokens;
  const flowing = streamText({ model: sdk, prompt: "Weather?", tools: set, stopWhen: stepCountIs(3), maxRetries: 0 });
  result.kinds = [];
  for await (const part of flowing.fullStream) if (result.kinds.at(-1) !== part.type) result.kinds.push(part.type);
  result.streamed = await flowing.text;
  result.results = (await flowing.steps).flatMap((s) => s.toolResults.map((r) => r.output));
  found.ai[name] = result;
}
found.ai.object = (await generateObject({ model: providers.openai, prompt: "Count", schema: z.object({ n: z.number() }), maxRetries: 0 })).object;
const sdkEmbedding = createOpenAI({ apiKey, baseURL: `${baseUrl}/openai/v1` }).textEmbeddingModel(embedding);
found.ai.vectors = (await embedMany({ model: sdkEmbedding, values: ["one", "two", "three"] })).embeddings.length;
console.log(JSON.stringify(found));
