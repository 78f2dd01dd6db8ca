// SPDX-License-Identifier: MIT
// ld.awsRequest: the signatures of the public AWS Signature Version 4 test suite (AKIDEXAMPLE, us-east-1, service "service").

//# get-vanilla
//@ request {"url": "https://example.amazonaws.com/", "headers": {"authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"}}
//> 200
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
return (await ld.awsRequest({ method: 'GET', url: 'https://example.amazonaws.com/', headers: { 'X-Amz-Date': '20150830T123600Z' }, region: 'us-east-1', service: 'service', credentials })).status;

//# get-vanilla-query-order-key-case
//> "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const r = await ld.awsRequest({ url: 'https://example.amazonaws.com/?Param2=value2&Param1=value1', headers: { 'X-Amz-Date': '20150830T123600Z' }, region: 'us-east-1', service: 'service', credentials });
return r.json.headers.authorization.split('Signature=')[1];

//# get-vanilla-empty-query-key and get-vanilla-query-unreserved and get-vanilla-utf8-query
//> ["a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb", "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"]
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const all = '-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const out = [];
for (const query of ['Param1=value1', `${all}=${all}`, 'ሴ=bar']) {
    const r = await ld.awsRequest({ url: `https://example.amazonaws.com/?${query}`, headers: { 'X-Amz-Date': '20150830T123600Z' }, region: 'us-east-1', service: 'service', credentials });
    out.push(r.json.headers.authorization.split('Signature=')[1]);
}
return out;

//# get-unreserved, get-slashes, get-relative
//> ["07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"]
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const out = [];
for (const path of ['/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz', '/example/..']) {
    const r = await ld.awsRequest({ url: `https://example.amazonaws.com${path}`, headers: { 'X-Amz-Date': '20150830T123600Z' }, region: 'us-east-1', service: 'service', credentials });
    out.push(r.json.headers.authorization.split('Signature=')[1]);
}
return out;

//# post-vanilla and post-x-www-form-urlencoded and post-header-key-sort
//> ["5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a", "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"]
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const send = async (headers, body) => (await ld.awsRequest({ method: 'POST', url: 'https://example.amazonaws.com/', headers: { 'X-Amz-Date': '20150830T123600Z', ...headers }, body,
    region: 'us-east-1', service: 'service', credentials })).json.headers.authorization.split('Signature=')[1];
return [await send({}), await send({ 'Content-Type': 'application/x-www-form-urlencoded' }, 'Param1=value1'), await send({ 'My-Header1': 'value1' })];

//# get-header-value-trim
//> "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const r = await ld.awsRequest({ url: 'https://example.amazonaws.com/', headers: { 'X-Amz-Date': '20150830T123600Z', 'My-Header1': ' value1', 'My-Header2': ' "a   b   c"' }, region: 'us-east-1', service: 'service', credentials });
return r.json.headers.authorization.split('Signature=')[1];

//# a session token is sent and signed, S3 has the hash of the body
//@ request {"headers": {"x-amz-security-token": "tok", "x-amz-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}}
//> "host;x-amz-content-sha256;x-amz-date;x-amz-security-token"
const credentials = { accessKeyId: 'A', secretAccessKey: 'B', sessionToken: 'tok' };
const r = await ld.awsRequest({ url: 'https://bucket.s3.eu-central-1.amazonaws.com/a%20b.txt', region: 'eu-central-1', service: 's3', credentials });
return /SignedHeaders=([^,]*)/.exec(r.json.headers.authorization)[1];

//# the example of the S3 documentation: GET object with a range
//> "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
const credentials = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };
const r = await ld.awsRequest({ url: 'https://examplebucket.s3.amazonaws.com/test.txt', headers: { 'X-Amz-Date': '20130524T000000Z', Range: 'bytes=0-9' }, region: 'us-east-1', service: 's3', credentials });
return r.json.headers.authorization.split('Signature=')[1];

//# without a date of the script the present is signed
//> true
const credentials = { accessKeyId: 'A', secretAccessKey: 'B' };
const r = await ld.awsRequest({ url: 'https://dynamodb.eu-central-1.amazonaws.com/', method: 'POST', body: { TableName: 't' }, headers: { 'X-Amz-Target': 'DynamoDB_20120810.DescribeTable' }, region: 'eu-central-1', service: 'dynamodb', credentials });
return r.json.headers['x-amz-date'].startsWith(new Date().toISOString().slice(0, 10).replace(/-/g, ''));

//# what is missing is named
//> ["ld.awsRequest: credentials must have accessKeyId and secretAccessKey", "ld.awsRequest: region and service must be texts"]
const say = async (o) => { try { await ld.awsRequest({ url: 'https://x.amazonaws.com/', ...o }); } catch (e) { return e.message; } };
return [await say({ region: 'a', service: 'b' }), await say({ credentials: { accessKeyId: 'A', secretAccessKey: 'B' } })];
