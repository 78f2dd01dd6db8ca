// SPDX-License-Identifier: MIT
//# The test of a connection, whose result makes the label
//@ kind "authTest"
//@ auth {"base_url": "$BASE/oauth", "access_token": "access-0"}
//> {"user": {"email": "ada@example.org", "name": "Ada"}}
const response = await ld.request({ url: `${data.auth.base_url}/userinfo`, headers: { Authorization: `Bearer ${data.auth.access_token}` } });
if (response.status !== 200) throw new Error('The token does not work');
const { email, name } = response.json;
return { user: { email, name } };

//# The test of a connection, in the reference's dialect
//@ like
const response = await fetch(`${secrets.base_url}/userinfo`, { headers: { Authorization: `Bearer ${secrets.access_token}` } });
if (!response.ok) throw new Error('The token does not work');
const { email, name } = await response.json();
return { user: { email, name } };
