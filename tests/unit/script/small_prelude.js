// SPDX-License-Identifier: MIT
// The least that a prelude must be, for trying the runner without the real one.
(function (native) {
'use strict';
const AsyncFunction = (async function () {}).constructor;
const waiting = new Map();
let timers = [], next = 1, main;
const arm = () => native.setDeadline(timers.length ? Math.min(...timers.map(t => t.at)) : undefined);
const failed = e => {
    const message = e instanceof Error ? e.message : String(e);
    native.fail(e instanceof RangeError && message === 'Out of memory' ? 'memory' : 'throw', message, e && e.stack ? String(e.stack) : undefined, undefined);
};
function ask(o, body) {
    return new Promise((resolve, reject) => {
        const id = next++;
        waiting.set(id, {resolve, reject});
        native.call(id, JSON.stringify({op: 'request', method: 'GET', headers: [], decode: true, max: 10485760, ...o}), body);
    });
}
return {
    prepare(json, code) {
        const job = JSON.parse(json);
        globalThis.data = {input: job.input, auth: job.auth};
        globalThis.console = {log: (...a) => native.log('log', a.join(' '))};
        globalThis.setTimeout = (fn, ms) => { timers.push({fn, at: native.now() + (ms || 0)}); arm(); };
        globalThis.fetch = async (url, o) => {
            const r = await ask({url: String(url), ...o}, o && o.body);
            return {status: r.head.status, url: r.head.url, headers: r.head.headers, text: async () => native.utf8Decode(r.buffer)};
        };
        globalThis.fileBytes = index => native.callSync(next++, JSON.stringify({op: 'file', index}));
        globalThis.toText = b => native.utf8Decode(b);
        for (const f of job.files || [])
            data.input[f.field] = {fileName: f.name, mimeType: f.mime, size: f.size, lastModified: f.modified};
        delete globalThis.WebAssembly;
        try { main = AsyncFunction(code); } catch (e) { native.fail('syntax', e.message, undefined, e.line - 2); return false; }
        if (job.check) { native.done('null'); return false; }
        return true;
    },
    run() {
        main().then(v => {
            if (v && v.files) {
                [].concat(v.files).forEach((f, i) => {
                    native.file(JSON.stringify({at: Array.isArray(v.files) ? ['files', i] : ['files'], name: f.fileName, mime: f.mimeType}), native.utf8Encode(f.text));
                    delete f.text;
                });
            }
            native.done(JSON.stringify(v) ?? 'null');
        }).catch(failed);
    },
    reply(id, json, buffer) {
        const w = waiting.get(id), head = JSON.parse(json);
        waiting.delete(id);
        if (head.error) w.reject(new Error(head.error)); else w.resolve({head, buffer});
    },
    tick() {
        const now = native.now(), due = timers.filter(t => t.at <= now);
        timers = timers.filter(t => t.at > now);
        arm();
        for (const t of due) t.fn();
    },
};
})
