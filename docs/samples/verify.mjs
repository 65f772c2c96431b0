// Verify a webhook by Standard Webhooks 1.0; exit 0: it is genuine and fresh, 1: it is not.
//
//     node verify.mjs ID TIMESTAMP SIGNATURES SECRET <body
//
// In place of arguments: WEBHOOK_ID, WEBHOOK_TIMESTAMP, WEBHOOK_SIGNATURE, WEBHOOK_SECRET.
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";

const TOLERANCE = 5 * 60;
const NAMES = ["WEBHOOK_ID", "WEBHOOK_TIMESTAMP", "WEBHOOK_SIGNATURE", "WEBHOOK_SECRET"];

function verify([id, timestamp, signatures, secret], body) {
  if (!id || !/^[0-9]+$/.test(timestamp)) return false;
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE) return false;
  if (!/^whsec_[A-Za-z0-9+/]+={0,2}$/.test(secret)) return false;
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const digest = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body);
  const wanted = Buffer.from(`v1,${digest.digest("base64")}`);
  return signatures.split(" ").some((each) => {
    const found = Buffer.from(each);
    return found.length === wanted.length && timingSafeEqual(found, wanted);
  });
}

const given = process.argv.slice(2);
const values = given.length ? given : NAMES.map((name) => process.env[name] ?? "");
process.exit(values.length === NAMES.length && verify(values, readFileSync(0)) ? 0 : 1);
