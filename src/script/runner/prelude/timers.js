// SPDX-License-Identifier: MIT
// setTimeout, setInterval, queueMicrotask.  A heap of timers, the soonest first; C knows only the time of that one.  Each
// tick fires one timer, so that the microtasks of one run before the next.

const now = native.now;
const setDeadline = native.setDeadline;
const TIMERS_MAX = 100000;
const DELAY_MAX = 0x7fffffff;

const heap = list(); // of {at, id, run, args, every}
const timers = new Map(); // id -> the same; one that is missing here was cleared
let lastTimer = 0;

const before = (a, b) => a.at < b.at || (a.at === b.at && a.id < b.id);

function heapPush(timer) {
    let i = heap.length;
    for (; i > 0; ) {
        const up = (i - 1) >> 1;
        if (!before(timer, heap[up]))
            break;
        heap[i] = heap[up];
        i = up;
    }
    heap[i] = timer;
}

function heapPop() {
    const top = heap[0];
    const last = heap[heap.length - 1];
    heap.length--;
    if (heap.length === 0)
        return top;
    let i = 0;
    for (;;) {
        let down = 2 * i + 1;
        if (down >= heap.length)
            break;
        if (down + 1 < heap.length && before(heap[down + 1], heap[down]))
            down++;
        if (!before(heap[down], last))
            break;
        heap[i] = heap[down];
        i = down;
    }
    heap[i] = last;
    return top;
}

// Drops cleared timers from the top and tells C when to come.
function arm() {
    while (heap.length > 0 && Maps.get(timers, heap[0].id) !== heap[0])
        heapPop();
    setDeadline(heap.length > 0 ? heap[0].at : undefined);
}

function addTimer(run, delay, every, args) {
    if (mapSize(timers) >= TIMERS_MAX || heap.length >= 2 * TIMERS_MAX)
        throw new RangeError(`More than ${TIMERS_MAX} timers are waiting`);
    const ms = delay > 0 && delay <= DELAY_MAX ? +delay : 0;
    const timer = record({ at: now() + ms, id: ++lastTimer, run, args, every: every ? max(ms, 1) : 0 });
    Maps.set(timers, timer.id, timer);
    heapPush(timer);
    if (heap[0] === timer)
        setDeadline(timer.at);
    return timer.id;
}

function needFunction(f, who) {
    if (typeof f !== 'function')
        throw new TypeError(`${who} needs a function`);
}

function setTimeout(run, delay = 0, ...args) {
    needFunction(run, 'setTimeout');
    return addTimer(run, +delay, false, args);
}

function setInterval(run, delay = 0, ...args) {
    needFunction(run, 'setInterval');
    return addTimer(run, +delay, true, args);
}

function clearTimeout(id) {
    if (Maps.delete(timers, id))
        arm();
}

// queueMicrotask: what it throws ends the run, as from a timer.
function queueMicrotask(run) {
    needFunction(run, 'queueMicrotask');
    settle(resolved(), () => runOrFail(run, []));
}
const resolved = async () => {};

function runOrFail(run, args) {
    try {
        apply(run, undefined, args);
    } catch (e) {
        finishWithError(e);
    }
}

// Fires the soonest timer that is due.
function tick() {
    arm();
    if (heap.length === 0 || heap[0].at > now())
        return;
    const timer = heapPop();
    if (timer.every) {
        timer.at = now() + timer.every;
        heapPush(timer);
    } else
        Maps.delete(timers, timer.id);
    arm();
    runOrFail(timer.run, timer.args);
}

const sleep = (ms) => new Promise((done) => addTimer(done, ms, false, []));
