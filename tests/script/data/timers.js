// SPDX-License-Identifier: MIT
// setTimeout, setInterval, queueMicrotask, ld.wait.

//# timers fire in the order of their times
//> ["a", "b", "c"]
const out = [];
setTimeout(() => out.push('c'), 600);
setTimeout(() => out.push('a'), 5);
setTimeout(() => out.push('b'), 300);
await new Promise((r) => setTimeout(r, 900));
return out;

//# timers of one time fire in the order they were made, microtasks between
//> ["sync", "micro", 1, "micro 1", 2]
const out = [];
setTimeout(() => { out.push(1); Promise.resolve().then(() => out.push('micro 1')); }, 1);
setTimeout(() => out.push(2), 1);
queueMicrotask(() => out.push('micro'));
out.push('sync');
await new Promise((r) => setTimeout(r, 20));
return out;

//# arguments are passed and a timer can be cleared
//> [[1, 2]]
const out = [];
setTimeout((...a) => out.push(a), 1, 1, 2);
clearTimeout(setTimeout(() => out.push('never'), 2));
clearTimeout(undefined);
clearTimeout(99999);
await ld.wait(20);
return out;

//# an interval goes on until it is cleared
//> 3
let n = 0;
await new Promise((done) => {
    const id = setInterval(() => {
        if (++n === 3) { clearInterval(id); done(); }
    }, 2);
});
await ld.wait(15);
return n;

//# what is not cleared does not keep the run
//> 1
setInterval(() => {}, 1);
setTimeout(() => {}, 1000000);
return 1;

//# a thousand timers
//> 1000
let n = 0;
await Promise.all(Array.from({ length: 1000 }, (_, i) => new Promise((r) => setTimeout(() => { n++; r(); }, (i * 7919) % 10))));
return n;

//# an error in a timer ends the run
//! throw: in a timer
setTimeout(() => { throw new Error('in a timer'); }, 1);
await ld.wait(1000);

//# an error in a microtask ends the run
//! throw: in a microtask
queueMicrotask(() => { throw new Error('in a microtask'); });
await ld.wait(1000);

//# a timer needs a function
//! throw: setTimeout needs a function
setTimeout('data.x = 1', 1);

//# ld.wait waits
//> true
const t = Date.now();
await ld.wait(25);
return Date.now() - t >= 24;

//# ld.wait has limits
//> ["RangeError", "RangeError", "RangeError", "ok"]
const name = (ms) => ld.wait(ms).then(() => 'ok', (e) => e.name);
return [await name(-1), await name(30001), await name('5'), await name(0)];
