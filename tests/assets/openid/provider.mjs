// A real OpenID provider for the tests: oidc-provider, certified, in memory, on loopback.
//
// node provider.mjs PORT STATE.json
// The state file says who there is, and is read at every look: {"people": {"name": {"groups": [...]}},
// "redirects": [...], "secret": "...", "keys": [private JWKs, the one in use first], "ttl": {...}}.
// SIGHUP takes other keys from it, as a provider does that rotates them.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const [port, file] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const state = () => JSON.parse(readFileSync(file, 'utf8'));

function make() {
  const { redirects, secret, keys, ttl } = state();
  const client = {
    client_secret: secret,
    redirect_uris: redirects,
    response_types: ['code'],
    grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
  };
  return new Provider(issuer, {
    clients: [{ client_id: 'glasshatch', ...client }, { client_id: 'another', ...client }],
    jwks: { keys },
    scopes: ['openid', 'offline_access', 'profile', 'groups'],
    claims: { openid: ['sub'], profile: ['preferred_username'], groups: ['groups'] },
    cookies: { keys: ['only for tests'] },
    pkce: { required: () => true },
    ttl: { DeviceCode: 600, Interaction: 600, Session: 3600, Grant: 3600, ...ttl },
    features: { deviceFlow: { enabled: true }, devInteractions: { enabled: true } },
    rotateRefreshToken: true,
    findAccount: (_, id) => {
      const person = state().people[id];
      if (!person) return undefined;
      return {
        accountId: id,
        claims: () => ({ sub: id, preferred_username: person.name ?? id, groups: person.groups }),
      };
    },
  });
}

let callback = make().callback();
process.on('SIGHUP', () => { callback = make().callback(); console.log('rotated'); });
createServer((request, response) => callback(request, response)).listen(Number(port), '127.0.0.1', () => {
  console.log('ready');
});
