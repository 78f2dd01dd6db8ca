// SPDX-License-Identifier: MIT
//# Deals over pages with a cursor, summed up
//@ auth {"base_url": "$BASE/crm", "api_key": "crm-key"}
//> {"deals": 3, "total": 900, "average": "€300.00"}
const deals = [];
let after;
do {
    const { json } = await ld.request({ url: `${data.auth.base_url}/deals`, params: { after }, headers: { 'X-API-Key': data.auth.api_key } });
    deals.push(...json.results);
    after = json.paging?.next?.after;
} while (after);
const won = deals.filter((d) => d.stage === 'won');
const total = won.reduce((sum, d) => sum + d.amount, 0);
return { deals: won.length, total, average: new Intl.NumberFormat('en-IE', { style: 'currency', currency: 'EUR' }).format(total / won.length) };

//# Deals over pages with a cursor, in the reference's dialect
//@ like
async function* pages() {
    const url = new URL(`${secrets.base_url}/deals`);
    for (;;) {
        const { results, paging } = await (await fetch(url, { headers: { 'X-API-Key': secrets.api_key } })).json();
        yield* results;
        if (!paging?.next) return;
        url.searchParams.set('after', paging.next.after);
    }
}
let deals = 0, total = 0;
for await (const deal of pages())
    if (deal.stage === 'won') {
        deals++;
        total += deal.amount;
    }
return { deals, total, average: (total / deals).toLocaleString('en-IE', { style: 'currency', currency: 'EUR' }) };
