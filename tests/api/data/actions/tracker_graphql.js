// SPDX-License-Identifier: MIT
//# A GraphQL query with variables, and its errors
//@ auth {"base_url": "$BASE/tracker", "apiKey": "tracker-token"}
//> {"login": "ada", "limit": 5, "error": "Cannot query that field"}
const query = async (text, variables) => {
    const r = await ld.request({ method: 'POST', url: `${data.auth.base_url}/graphql`, headers: { Authorization: `Bearer ${data.auth.apiKey}` }, body: { query: text, variables } });
    return r.json;
};
const good = await query('query($first: Int) { viewer { login limit(first: $first) } }', { first: 5 });
const bad = await query('{ nonsense }', {});
return { ...good.data.viewer, error: bad.errors?.[0]?.message };

//# A GraphQL query with variables, and its errors, in the reference's dialect
//@ like
async function query(text, variables = {}) {
    const response = await fetch(`${secrets.base_url}/graphql`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${secrets.apiKey}`, 'Content-Type': 'application/json' },
        body: JSON.stringify({ query: text, variables }),
    });
    const { data: found, errors } = await response.json();
    if (errors) throw new AggregateError(errors.map((e) => new Error(e.message)), 'The query failed');
    return found;
}
const { viewer } = await query('query($first: Int) { viewer { login limit(first: $first) } }', { first: 5 });
return { ...viewer, error: await query('{ nonsense }').catch((e) => e.errors[0].message) };
