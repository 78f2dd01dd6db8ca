// SPDX-License-Identifier: MIT
//# Retries with growing pauses
//@ auth {"base_url": "$BASE/shop"}
//> {"attempt": 3, "tries": [429, 503, 200]}
const tries = [];
for (let attempt = 1; attempt <= 5; attempt++) {
    const r = await ld.request({ url: `${data.auth.base_url}/flaky` });
    tries.push(r.status);
    if (r.status !== 429 && r.status < 500) return { ...r.json, tries };
    const pause = Number(r.headers['retry-after']) * 1000 || 5 * 2 ** attempt;
    await new Promise((resolve) => setTimeout(resolve, pause));
}
throw new Error(`gave up after ${tries.join()}`);

//# Retries with growing pauses, in the reference's dialect
//@ like
const tries = [];
const attempt = async (left) => {
    const response = await fetch(`${secrets.base_url}/flaky`);
    tries.push(response.status);
    if (response.ok) return { ...(await response.json()), tries };
    if (left === 0) throw new Error(`gave up after ${tries}`);
    await new Promise((done) => setTimeout(done, Number(response.headers.get('Retry-After')) * 1000 || 2 ** tries.length));
    return attempt(left - 1);
};
return attempt(4);
