// SPDX-License-Identifier: MIT
// Makes an integration with an action, and runs it, the way the platform's documentation shows it, with axios, and prints what it got as JSON.
//   node langdock.mjs URL KEY API    (API: where the action finds its users; the example's own is nobody's)
import axios from "axios";

const [baseUrl, apiKey, internalApi] = process.argv.slice(2);
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

const url = `${baseUrl}/integrations/v1/${found.made.id}`;
const added = await axios.post(
  `${url}/actions/create`,
  {
    name: "Get User Data",
    description: "Retrieves user information from the internal API",
    code: `
      const response = await fetch('${internalApi}/users/' + inputs.userId);
      return await response.json();
    `,
    inputFields: [{ label: "User ID", type: "TEXT", description: "The ID of the user to retrieve", required: true }],
  },
  options,
);
found.actionStatus = added.status;
found.action = added.data.action;
await axios.patch(url, { allowedHosts: [new URL(internalApi).hostname] }, options);
found.run = (await axios.post(`${url}/actions/${found.action.id}/test`, { inputs: { userId: "42" } }, options)).data;

try {
  await axios.post(`${baseUrl}/integrations/v1/create`, { name: "x".repeat(41) }, options);
} catch (error) {
  found.refused = { status: error.response.status, ...error.response.data };
}
console.log(JSON.stringify(found));
