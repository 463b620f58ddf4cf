// co-wechat-api as a client of the platform.
'use strict';

const API = require('co-wechat-api');

const clients = new Map();

function client(base, appid, secret) {
  const name = [base, appid, secret].join(' ');
  if (!clients.has(name)) {
    const created = new API(appid, secret);
    created.prefix = `${base}/cgi-bin/`;
    clients.set(name, created);
  }
  return clients.get(name);
}

/** One call: {"result": …}, a file as {"base64": …}, or {"error": …} as the package throws it. */
exports.call = async ({ base, appid, secret, method, args }) => {
  try {
    const result = await client(base, appid, secret)[method](...args);
    return { result: Buffer.isBuffer(result) ? { base64: result.toString('base64') } : result };
  } catch (error) {
    return { error: { name: error.name, code: error.code, message: error.message } };
  }
};
