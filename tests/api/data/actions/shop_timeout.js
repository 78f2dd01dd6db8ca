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
