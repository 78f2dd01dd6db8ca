// SPDX-License-Identifier: MIT
// ld.log and console.

//# objects are printed as JSON
//@ log "user {\"id\":1,\"tags\":[\"a\",null]} 5 true undefined null"
//> null
ld.log('user', { id: 1, tags: ['a', null] }, 5, true, undefined, null);

//# every method of the console writes
//@ log "one"
//@ log "two"
//@ log "three"
//@ log "four"
//@ log "five"
//@ log "Assertion failed: six"
//@ log "ticks: 2"
//> null
console.log('one'); console.info('two'); console.warn('three'); console.error('four'); console.debug('five');
console.assert(1 === 2, 'six'); console.assert(true, 'no');
console.count('ticks'); console.count('ticks');

//# errors, maps, sets, dates, bytes and functions have forms
//@ log "TypeError: bad (cause: deep)"
//@ log "Map(1) {\"a\" => 1}"
//@ log "Set {1,2}"
//@ log "{\"d\":\"1970-01-01T00:00:00.000Z\"}"
//@ log "<3 bytes: 010203>"
//@ log "[Function f]"
//@ log "12n"
//@ log "Symbol(s)"
//@ log "[Promise]"
//> null
ld.log(new TypeError('bad', { cause: new Error('deep') }));
ld.log(new Map([['a', 1]])); ld.log(new Set([1, 2])); ld.log({ d: new Date(0) }); ld.log(new Uint8Array([1, 2, 3])); ld.log(function f() {}); ld.log(12n);
ld.log(Symbol('s')); ld.log(Promise.resolve());

//# cycles and depth have an end
//@ log "{\"a\":1,\"self\":\"[Circular]\"}"
//@ log "{…}"
//> null
const o = { a: 1 };
o.self = o;
ld.log(o);
let deep = {};
for (let i = 0; i < 50; i++) deep = { deep };
ld.log(deep);

//# format characters of the console
//@ log "a 5 1.5 {\"x\":1} 100% %s more"
//> null
console.log('%s %d %f %j 100%% %s', 'a', 5, 1.5, { x: 1 }, '%s', 'more');

//# long texts are cut
//@ log "more characters)"
//> null
ld.log('x'.repeat(100000));

//# objects that throw while they are printed do no harm
//@ log "cannot be read"
//> 1
ld.log({ get a() { throw new Error('no'); } });
ld.log(new Proxy({}, { ownKeys() { throw new Error('no'); } }));
return 1;

//# time is measured
//@ log "work: "
//> null
console.time('work');
console.timeEnd('work');
