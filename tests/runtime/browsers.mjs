// Browsers without a driver: a page asks for a job, runs it, posts what it printed, and loads itself anew for the next.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { entries } from '../../scripts/entries.mjs';

const TYPES = { '.js': 'text/javascript', '.mjs': 'text/javascript', '.html': 'text/html; charset=utf-8', '.json': 'application/json' };
const FIREFOX = {
  'browser.shell.checkDefaultBrowser': false,
  'browser.aboutwelcome.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'app.normandy.enabled': false,
  'network.captive-portal-service.enabled': false,
};
const WEBKIT = '/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser';
/** Seconds that a browser may take to ask for its first job. */
const START = 60;

export const ISOLATED = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

/** The import map of a page that takes wick from a folder of packages. */
export const importMap = (folder = '/node_modules') => ({
  imports: {
    ...Object.fromEntries(entries().map(({ name, js }) => [name, `${folder}/wick/${js}`])),
    'wick-again': `${folder}/wick-again/dist/index.js`,
  },
});

/** The command lines of the browsers that this machine has, by name; a text says what would bring one that it has not. */
export const BROWSERS = {
  chromium: find(
    ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'],
    'apt-get install chromium',
    (path, profile, url) => [
      path,
      '--headless=new',
      '--no-sandbox',
      '--disable-dev-shm-usage',
      '--no-first-run',
      '--host-resolver-rules=MAP wick.test 127.0.0.1',
      `--user-data-dir=${profile}`,
      url,
    ],
  ),
  firefox: find(['/usr/bin/firefox-esr', '/usr/bin/firefox'], 'apt-get install firefox-esr', (path, profile, url) => {
    const prefs = Object.entries(FIREFOX).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${value});\n`);
    writeFileSync(join(profile, 'user.js'), prefs.join(''));
    return [path, '--headless', '--no-remote', '--profile', profile, url];
  }),
  webkit: find([WEBKIT], 'apt-get install webkit2gtk-driver xvfb xauth', (path, _profile, url) => [
    'xvfb-run',
    '-a',
    path,
    '--private',
    url,
  ]),
};
const ENVIRONMENT = { WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1', JSC_useSharedArrayBuffer: '1', LIBGL_ALWAYS_SOFTWARE: '1' };

function find(paths, remedy, command) {
  const path = paths.find((path) => existsSync(path));
  return path ? (profile, url) => command(path, profile, url) : `not installed (${remedy})`;
}

/** In the page: `where` is 'page', 'worker', 'service', or 'frame' for a page of its own whose text is what it says. */
const PAGE = `<!doctype html><meta charset="utf-8"><title>wick</title>
<script type="importmap">${JSON.stringify(importMap())}</script>
<body></body>
<script type="module">
const lines = [];
for (const level of ['log', 'warn', 'error']) console[level] = (...words) => lines.push(...words.join(' ').split('\\n'));
let broken = false;
const fail = (why) => { broken = true; lines.push('not caught: ' + why); };
addEventListener('error', (event) => fail(event.message));
addEventListener('unhandledrejection', (event) => fail(event.reason?.stack ?? event.reason));
const ended = () => broken || lines.some((line) => /^@|Duration:/.test(line));
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const listen = (target) => { target.onmessage = (event) => lines.push(event.data); };
const job = await (await fetch('/next')).json();
if (job !== null) {
  try {
    if (job.where === 'worker') {
      const worker = new Worker('/' + job.file, { type: 'module' });
      listen(worker);
      worker.onerror = (event) => fail(event.message);
    } else if (job.where === 'service') {
      listen(navigator.serviceWorker);
      const { installing } = await navigator.serviceWorker.register('/' + job.file, { type: 'module' });
      installing.postMessage('run');
    } else if (job.where === 'frame') {
      const frame = document.body.appendChild(document.createElement('iframe'));
      frame.src = '/' + job.file;
      const text = () => frame.contentDocument?.body?.innerText ?? '';
      while (!job.until.split('|').some((part) => text().includes(part))) await sleep(20);
      lines.push('@' + JSON.stringify(text()));
    } else await import('/' + job.file);
  } catch (error) {
    fail(error?.stack ?? error);
  }
  while (!ended()) await sleep(10);
  await fetch('/done', { method: 'POST', body: lines.join('\\n') });
  location.reload();
}
</script>`;

/**
 * Runs jobs one after the other in one browser; each is { file, where, limit, suspend } relative to `root`; `suspend`: the browser is stopped now and then.
 * @param headers of every response: isolation, policies
 * @param name of the host in the address; what is not localhost is no secure context
 * @param flags of the browser's command line
 * @returns for each job what it printed, or a line 'not caught: why'
 */
export function inBrowser(browser, root, jobs, { headers = {}, name = '127.0.0.1', flags = [] } = {}) {
  const profile = mkdtempSync(join(tmpdir(), 'wick-browser-'));
  const outputs = [];
  return new Promise((resolve) => {
    let timer;
    let stops;
    let child;
    /** Stops the whole browser for a second. */
    const suspend = () => {
      process.kill(-child.pid, 'SIGSTOP');
      setTimeout(() => process.kill(-child.pid, 'SIGCONT'), 1000);
    };
    const wait = (seconds, why) => {
      clearTimeout(timer);
      timer = setTimeout(() => stop(why), seconds * 1000);
    };
    const stop = (why) => {
      clearTimeout(timer);
      clearInterval(stops);
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended.
      }
      server.close();
      server.closeAllConnections();
      child.once('close', () => setTimeout(() => rmSync(profile, { recursive: true, force: true, maxRetries: 5 }), 200));
      while (outputs.length < jobs.length) outputs.push(`not caught: ${why}`);
      resolve(outputs);
    };
    const server = createServer(async (request, response) => {
      const send = (type, body) => {
        response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store', ...headers });
        response.end(body);
      };
      const { pathname } = new URL(request.url, 'http://localhost');
      if (pathname === '/') send(TYPES['.html'], PAGE);
      else if (pathname === '/next') {
        const job = jobs[outputs.length] ?? null;
        if (job) wait(job.limit ?? 120, `${job.file} did not end in time`);
        clearInterval(stops);
        if (job?.suspend) stops = setInterval(suspend, 2000);
        send(TYPES['.json'], JSON.stringify(job));
      } else if (pathname === '/done') {
        let text = '';
        for await (const chunk of request) text += chunk;
        outputs.push(text);
        send('text/plain', '');
        if (outputs.length === jobs.length) stop('');
      } else {
        const file = join(root, decodeURIComponent(pathname));
        if (file.startsWith(root) && existsSync(file)) send(TYPES[extname(file)] ?? 'application/octet-stream', readFileSync(file));
        else response.writeHead(404).end();
      }
    });
    server.listen(0, '127.0.0.1', () => {
      const [program, ...args] = BROWSERS[browser](profile, `http://${name}:${server.address().port}/`);
      child = spawn(program, [...flags, ...args], {
        detached: true,
        stdio: 'ignore',
        env: { ...process.env, ...ENVIRONMENT, HOME: profile, XDG_RUNTIME_DIR: profile },
      });
      child.on('error', (error) => stop(error.message));
      wait(START, `${browser} did not start`);
    });
  });
}
