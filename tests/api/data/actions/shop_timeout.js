// SPDX-License-Identifier: MIT
//# A slow service is given up by the script
//@ auth {"base_url": "$BASE/shop"}
//> {"error": "TimeoutError"}
try {
    const r = await fetch(`${secrets.base_url}/slow?seconds=3`, { signal: AbortSignal.timeout(100) });
    return r.json();
} catch (e) {
    return { error: e.name };
}

//# A slow service is given up, in the guides' dialect
//@ auth {"base_url": "$BASE/shop"}
//> {"error": "Request timed out after 100 ms"}
try {
    const r = await ld.request({ url: `${data.auth.base_url}/slow`, params: { seconds: 3 }, timeout: 100 });
    return r.json;
} catch (e) {
    return { error: e.message };
}
