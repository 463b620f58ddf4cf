'use strict';

/** The JSON that a request brings. */
exports.json = async (request) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  return JSON.parse(Buffer.concat(parts));
};
