'use strict'; // Hands the step over to the program of this machine; action.yml names this file as main and as post.
// It never touches process.stdout or process.stderr: Node makes such pipes non-blocking, and the program inherits that.
const fs = require('node:fs'), { dirname, join } = require('node:path'), { env, platform, arch } = process;
const RELEASE = 'Use a released tag of the action (…/stevedore@v1), which carries the program';
const fail = (message) => {
  fs.writeSync(1, `::error title=Stevedore could not start::${message.replace(/[%\r\n]/g, encodeURIComponent)}\n`);
  process.exit(1);
};

// Runs a program on our standard streams, passes signals on to it (from its first moment), and ends by the signal that ended it.
const run = (file, args, done, options) => {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, (signal) => child.kill(signal));
  const child = require('node:child_process').spawn(file, args, { stdio: 'inherit', ...options });
  const end = (code, signal) => (signal ? process.removeAllListeners(signal).kill(process.pid, signal) : done(null, code));
  child.on('error', done).on('exit', end);
};

// A failing execve aborts Node with a stack dump, so what can be checked is checked before.
const become = (file, args) => {
  try { fs.accessSync(file, fs.constants.X_OK); } catch (error) { fail(`${error.message}: the program cannot be started. ${RELEASE}.`); }
  if (process.execve) process.execve(file, [file, ...args], env);
  run(file, args, (error, code) => (error ? fail(`${error.message}: the program cannot be started. ${RELEASE}.`) : process.exit(code)));
};

// What the program is built from, as a name: another source is another program.
const sourceKey = () => {
  const src = join(__dirname, 'src'), sources = (fs.existsSync(src) ? fs.readdirSync(src, { recursive: true }) : []).sort().map((name) => join('src', name));
  const names = ['Cargo.toml', 'Cargo.lock', 'action.yml', 'rust-toolchain.toml', join('.cargo', 'config.toml'), ...sources];
  const isFile = (name) => fs.statSync(join(__dirname, name), { throwIfNoEntry: false })?.isFile();
  const add = (hash, name) => hash.update(`\0${name}\0`).update(fs.readFileSync(join(__dirname, name)));
  return names.filter(isFile).reduce(add, require('node:crypto').createHash('sha256').update(arch)).digest('hex').slice(0, 20);
};

// Each job builds in a folder of its own and renames the result into place: two at once never see half a program.
// Cargo and rustup read configuration from where they run: here, not the workspace, where a pull request may bring its own.
const build = (built, done) => {
  fs.writeSync(1, `Stevedore: no binary in dist/ for this ref; building once with this machine's cargo, into ${built}\n`);
  const target = fs.mkdtempSync(join(env.RUNNER_TEMP || '/tmp', 'stevedore-build-')), part = `${built}.${process.pid}.${Date.now()}`;
  run('cargo', ['build', '--release', '--locked', '--bin', 'stevedore', '--manifest-path', join(__dirname, 'Cargo.toml'), '--target-dir', target], (error, code) => {
    if (error) fail(`This ref of the action has no binary in dist/, and cargo, to build one, cannot be started (${error.code}). ${RELEASE}, or install Rust in an earlier step.`);
    if (code) fail(`Building Stevedore failed: cargo ended with exit code ${code} and said why above. ${RELEASE}.`);
    fs.mkdirSync(dirname(built), { recursive: true });
    fs.copyFileSync(join(target, 'release', 'stevedore'), part), fs.renameSync(part, built);
    fs.rm(target, { recursive: true, force: true }, done);
  }, { cwd: __dirname, env: Object.fromEntries(Object.entries(env).filter(([name]) => !/^(INPUT_.*|CARGO_BUILD_TARGET)$/.test(name))) });
};

// `part` names a part of the action (metadata, …), which has no post step; the action itself gives none.
module.exports = (part) => {
  const post = !part && env.STATE_stevedore_post === 'true', args = part ? [part] : post ? ['post'] : [];
  if (!part && !post && env.GITHUB_STATE) fs.appendFileSync(env.GITHUB_STATE, 'stevedore_post=true\n');
  const machine = platform === 'linux' && { x64: 'amd64', arm64: 'arm64' }[arch];
  if (!machine) return post || fail(`Stevedore runs on Linux, amd64 or arm64; this runner is ${platform} ${arch}. Give the job runs-on: ubuntu-latest or ubuntu-24.04-arm.`);
  const released = join(__dirname, 'dist', `stevedore-linux-${machine}`);
  if (fs.existsSync(released)) return become(released, args);
  const built = join(env.RUNNER_TOOL_CACHE || join(__dirname, 'target', 'tool-cache'), 'stevedore', sourceKey(), 'stevedore');
  if (fs.existsSync(built)) become(built, args); else if (!post) build(built, () => become(built, args));
};
if (require.main === module) module.exports();
