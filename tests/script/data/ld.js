// SPDX-License-Identifier: MIT
// ld: tables, SQL, what is not available; structuredClone.

//# json2csv
//> "id,name,note,tags\n1,\"a,b\",,\"[1,2]\"\n2,\"say \"\"hi\"\"\",\"two\nlines\",\n3,,true,1970-01-01T00:00:00.000Z"
return ld.json2csv([{ id: 1, name: 'a,b', note: null, tags: [1, 2] }, { id: 2, name: 'say "hi"', note: 'two\nlines' }, { id: 3, note: true, tags: new Date(0) }]);

//# json2csv of nothing and of what is no table
//> ["", "ld.json2csv needs an array of objects", "ld.json2csv needs an array of objects; element 0 is 5"]
const say = async (v) => { try { return await ld.json2csv(v); } catch (e) { return e.message; } };
return [await say([]), await say('x'), await say([5])];

//# one statement is valid
//> []
const good = ['select 1', 'SELECT * FROM t WHERE a = \';\'', 'select 1;', ' select "a;b" from t ; \n', 'select 1 -- a; b', 'select /* a; b */ 1', 'insert into t values (1)', "select 'it''s; fine'"];
return good.filter((q) => { try { ld.validateSqlQuery(q); return false; } catch { return true; } });

//# nothing and several statements are not
//> []
const bad = ['', '  ', ';', '-- only a comment', 'select 1; drop table t', "select ''; drop table t", 'select 1;;select 2', "select 'a\\'; drop table t; -- '", "select 1 # '\n; drop table t -- '",
    "select $$ ' $$; drop table t; -- '", 'select 1 --1; drop table t', 'select /* /* */ 1; drop table t -- */', "select `'`; drop table t -- '", 5, undefined, null];
return bad.filter((q) => { try { ld.validateSqlQuery(q); return true; } catch { return false; } });

//# reading is allowed
//> []
const good = ['select 1', 'WITH a AS (SELECT 1) SELECT * FROM a', '(select 1) union (select 2)', "select 'drop table' as x", 'select updated_at, "delete" from t', 'select * from t where note = \'insert into\' -- update', 'select replace(a, 1, 2) from t'];
return good.filter((q) => { try { ld.ensureReadOnlySqlQuery(q); return false; } catch { return true; } });

//# writing is not
//> []
const bad = ['delete from t', 'with a as (delete from t returning *) select * from a', 'select * into x from t', 'select 1; delete from t', 'drop table t', 'select * from t for update',
    'explain analyze delete from t', "select 1 into outfile '/x'", 'SELECT/*!50000 1 INTO OUTFILE \'x\'*/', 'update t set a = 1', 'call f()', 'PRAGMA writable_schema = 1', '', 'select pg_read_file(\'x\')', "copy t to program 'x'"];
return bad.filter((q) => { try { ld.ensureReadOnlySqlQuery(q); return true; } catch { return false; } });

//# helpers for Parquet and Arrow say that they are not there
//> ["ld.csv2parquet is not available on this server", "ld.parquet2csv is not available on this server", "ld.arrow2parquet is not available on this server"]
const say = (p) => p.catch((e) => e.message);
return [await say(ld.csv2parquet('a', {})), await say(ld.parquet2csv('')), await say(ld.arrow2parquet(new ArrayBuffer(1)))];

//# structuredClone
//> [{"a": [1, {"b": 2}], "d": "1970-01-01T00:00:00.000Z"}, true, true, "v", [1, 2], [1, 2], "x/g", "RangeError: r", false]
const source = { a: [1, { b: 2 }], d: new Date(0), m: new Map([['k', 'v']]), s: new Set([1]), t: new Uint8Array([1, 2]), r: /x/g, e: new RangeError('r') };
source.self = source;
const c = structuredClone(source);
const out = [{ a: c.a, d: c.d }, c.self === c, c !== source && c.d instanceof Date, c.m.get('k'), [...c.t], [...structuredClone(new Uint8Array([1, 2]))], `${c.r.source}/${c.r.flags}`, `${c.e}`, c.t.buffer === source.t.buffer];
return out;

//# structuredClone refuses functions and symbols
//> ["DataCloneError", "DataCloneError", "DataCloneError", 25]
const name = (v) => { try { structuredClone(v); } catch (e) { return e.name; } };
let code;
try { structuredClone(() => 1); } catch (e) { code = e.code; }
return [name(() => 1), name({ f() {} }), name(Symbol('x')), code];
