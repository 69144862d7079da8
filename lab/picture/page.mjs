// Turns a summary into a page that looks as on GitHub: `page.mjs SUMMARY.md PAGE.html`.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [source, target] = process.argv.slice(2);
const here = createRequire(join(process.cwd(), 'package.json'));
const { marked } = await import(pathToFileURL(here.resolve('marked')).href);
const css = readFileSync('node_modules/github-markdown-css/github-markdown-light.css', 'utf8');
const mermaid = 'node_modules/mermaid/dist/mermaid.min.js';

// What a reader unfolds first is shown open.
const folded = '<details><summary>Slowest';
const text = readFileSync(source, 'utf8').replace(folded, folded.replace('>', ' open>'));
const body = marked
  .parse(text)
  .replace(
    /<pre><code class="language-mermaid">([\s\S]*?)<\/code><\/pre>/g,
    '<pre class="mermaid">$1</pre>',
  );
writeFileSync(
  target,
  `<!doctype html><meta charset="utf-8"><style>${css}
body { max-width: 920px; margin: 24px auto; background: white; }
pre.mermaid { background: white; padding: 0; }</style>
<body class="markdown-body">${body}<script src="${mermaid}"></script>
<script>mermaid.initialize({ startOnLoad: true, gantt: { useWidth: 920 } });</script></body>`,
);
