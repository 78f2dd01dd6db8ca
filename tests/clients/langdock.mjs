// SPDX-License-Identifier: MIT
// Makes an integration the way the platform's documentation shows it, with axios, and prints what it got as JSON.
//   node langdock.mjs URL KEY
import axios from "axios";

const [baseUrl, apiKey] = process.argv.slice(2);
const options = { headers: { Authorization: `Bearer ${apiKey}`, "Content-Type": "application/json" } };
const found = {};

const made = await axios.post(
  `${baseUrl}/integrations/v1/create`,
  { name: "My Custom Integration", description: "Connects to my internal API" },
  options,
);
found.status = made.status;
found.made = made.data.integration;
found.read = (await axios.get(`${baseUrl}/integrations/v1/${found.made.id}`, options)).data.integration;
found.listed = (await axios.get(`${baseUrl}/integrations/v1/get`, options)).data.integrations.map((i) => i.id);
found.limit = made.headers["x-ratelimit-limit-requests"];

try {
  await axios.post(`${baseUrl}/integrations/v1/create`, { name: "x".repeat(41) }, options);
} catch (error) {
  found.refused = { status: error.response.status, ...error.response.data };
}
console.log(JSON.stringify(found));
