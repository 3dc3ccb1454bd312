import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkLine, shippedPolicies, type LinePolicy } from "./index.ts";

const { observer, operator } = shippedPolicies;
const everything: LinePolicy = {
  rules: [{ name: "all", effect: "allow", programs: ["*"], unknownArguments: true }],
  loops: true,
  writableFolders: ["/tmp"],
};

describe("a guarded line", () => {
  const allowed: readonly (readonly [line: string, ...programs: string[]])[] = [
    ["ls -l /data", "ls"],
    ["  tail -n 100 app.log | grep -i 'out of memory' | wc -l", "tail", "grep", "wc"],
    [`grep "a\\"b" 'c d' e\\ f`, "grep"],
    ["cat a && echo yes || echo no; pwd", "cat", "echo", "echo", "pwd"],
    ['for f in ./*.log; do tail -n 1 "$f"; done', "tail"],
    ["if [ -f /tmp/x ]; then cat /tmp/x; else echo none; fi", "[", "cat", "echo"],
    ['while read -r line\ndo echo "$line"\ndone', "read", "echo"],
    ["ls /none 2>/dev/null; ls /none > /dev/null 2>&1", "ls", "ls"],
    ["n=5; head -n $n app.log", "head"],
    ["timeout 5s tail -f app.log", "tail"],
    ["find /data -name '*.log' -exec grep -l ERROR {} +", "find", "grep"],
    ["ps aux | sort -rn -k 3 | head -5", "ps", "sort", "head"],
    ["ls # everything after this is a remark: $(rm -rf /)", "ls"],
    ["awk -F: '{print $1}' /etc/passwd", "awk"],
    ["sed -n '10,20p' app.log", "sed"],
    ["sed 's/a/b/g' app.log", "sed"],
    ["! grep -q x y", "grep"],
    ["echo '$(rm -rf /)' \"a;b|c&d\" '`x`' 文件", "echo"],
    ["ls | xargs -n1 echo", "ls", "echo"],
    [""],
  ];
  for (const [line, ...programs] of allowed) {
    it(`runs: ${line}`, () => {
      const verdict = checkLine(line, observer);
      assert.equal(verdict.effect, "allow", JSON.stringify(verdict.findings));
      assert.deepEqual(verdict.effect === "allow" && verdict.programs, programs);
    });
  }

  // With a role that may run everything, so that only what the line hides or changes is refused.
  const refused: readonly (readonly [line: string, rule: string])[] = [
    ["echo $(rm -rf /)", "syntax"],
    ["echo `rm x`", "syntax"],
    ['echo "$(rm x)"', "syntax"],
    ['echo "a`rm x`"', "syntax"],
    ["diff <(ls) x", "syntax"],
    ["(rm x)", "syntax"],
    ["{ rm x; }", "syntax"],
    ["f() { rm x; }; f", "syntax"],
    ["rm x &", "syntax"],
    ["rm x &> y", "syntax"],
    ["cat << E\nrm\nE", "syntax"],
    ["cat <<< x", "syntax"],
    ["$'rm' x", "syntax"],
    ["$x y", "syntax"],
    ["r$x y", "syntax"],
    ["r* x", "syntax"],
    ["echo {a,b}", "syntax"],
    ["echo ${x:=y}", "syntax"],
    ["echo ${x@P}", "syntax"],
    ["echo $[1+1]", "syntax"],
    ["echo $((1))", "syntax"],
    ["[[ -f x ]]", "syntax"],
    ["time rm x", "syntax"],
    ["case x in x) rm y;; esac", "syntax"],
    ["echo 'open", "syntax"],
    ["echo x |", "syntax"],
    ["ls; ; rm", "syntax"],
    ["rm\u200b x", "syntax"],
    ["rm\u00a0x", "syntax"],
    ["echo \u202e x", "syntax"],
    ["echo \u001b[2K", "syntax"],
    ["echo a\rrm x", "syntax"],
    ["echo x 10> /tmp/y", "syntax"],
    ["echo x >& /etc/passwd", "syntax"],
    ["echo x >| /etc/passwd", "syntax"],
    ["a[0]=x ls", "syntax"],
    ["ls\\\n-l", "syntax"],
    ["bash -c 'rm x'", "dangerous programs"],
    ["/bin/busybox sh", "dangerous programs"],
    ["busybox sh", "dangerous programs"],
    ["python3.12 -c x", "dangerous programs"],
    ["eval rm x", "dangerous programs"],
    [". ./x", "dangerous programs"],
    ["exec rm x", "dangerous programs"],
    ["alias ls=rm", "dangerous programs"],
    ["unset PATH", "dangerous programs"],
    ["/lib64/ld-linux-x86-64.so.2 ./x", "dangerous programs"],
    ["timeout 5 sh -c x", "dangerous programs"],
    ["nohup nice -n 5 sudo ls", "dangerous programs"],
    ["ls | xargs sh -c", "dangerous programs"],
    ["find . -exec sh -c x \\;", "dangerous programs"],
    ["find . -exec {} \\;", "hidden program"],
    ["timeout -x 5 ls", "hidden program"],
    ["env LD_PRELOAD=x ls", "hidden program"],
    ["env -S 'sh -c x'", "hidden program"],
    ["timeout $x ls", "hidden program"],
    ["xargs $x", "hidden program"],
    ["PATH=/tmp ls", "variables"],
    ["LD_PRELOAD=./x ls", "variables"],
    ["for PATH in /tmp; do ls; done", "variables"],
    ["IFS=x", "variables"],
    ["echo x > /etc/passwd", "writing"],
    ["echo x > /tmp/../etc/passwd", "writing"],
    ["echo x > x", "writing"],
    ["echo x > /tmp/$y", "syntax"],
    ['echo x > "/tmp/$y"', "writing"],
    ["awk 'BEGIN { system(\"rm x\") }'", "scripts"],
    ["awk '{ print > \"x\" }'", "scripts"],
    ["awk -f x", "scripts"],
    ["awk $x", "scripts"],
    ["sed -i s/a/b/ x", "scripts"],
    ["sed 's/a/b/e' x", "scripts"],
    ["sed p x -i", "scripts"],
    ["sed '1e rm x' x", "scripts"],
    ["sed 'w x' y", "scripts"],
    ["sed p $x", "scripts"],
    ["x=-v; [ $x 'a[0]' ]", "scripts"],
    ["test -v 'a[0]'", "scripts"],
    ['[ "$x" "$y" ]', "scripts"],
    ["read PATH", "scripts"],
    ["read 'a[0]'", "scripts"],
    ["printf -v PATH x", "scripts"],
    ['printf "$x" y', "scripts"],
  ];
  for (const [line, rule] of refused) {
    it(`never runs: ${JSON.stringify(line)}`, () => {
      const verdict = checkLine(line, everything);
      assert.equal(verdict.effect, "deny");
      assert.equal(verdict.findings[0]?.rule, rule);
    });
  }

  const against: readonly string[] = [
    "rm x",
    "find . -delete",
    "find . $x",
    'x=-delete; find . "$x"',
    "ls | xargs find",
    "sort -o x y",
    "sort --compress-program=sh x",
    "sort $x",
    "uniq a b",
    "date -s tomorrow",
    "hostname x",
    "ip netns exec x ls",
    "ip link set eth0 down",
    "less +!sh",
    "less x",
    "tee x",
    "vi x",
    "kill 1",
    "./ls",
    "/tmp/ls",
  ];
  for (const line of against) {
    it(`is not for an observer: ${line}`, () => assert.equal(checkLine(line, observer).effect, "deny"));
  }

  it("waits for a colleague where the role says so, and never when something else is forbidden", () => {
    const verdict = checkLine("kill -9 17", operator);
    assert.equal(verdict.effect, "ask");
    assert.deepEqual(
      verdict.findings.map(({ at, length, rule }) => [at, length, rule]),
      [[0, 4, "stopping processes"]],
    );
    assert.equal(checkLine("kill -9 17; dd", operator).effect, "deny");
    assert.equal(checkLine("rm -rf /tmp/x", operator).effect, "allow");
    assert.equal(checkLine("rm -rf /tmp/x /data", operator).effect, "deny");
    assert.equal(checkLine("rm -rf /tmp/../data", operator).effect, "deny");
  });

  it("finds an option by any of its spellings", () => {
    const rule = { name: "no deleting", effect: "deny", programs: ["x"], arguments: ["--delete", "-d"] } as const;
    const policy = { ...everything, rules: [...everything.rules, rule] };
    for (const args of ["--delete", "--del", "--delete=now", "-d", "-ad", "$y", '"$y"', "'-d'", "\\-d", '-"d"']) {
      assert.equal(checkLine(`x ${args}`, policy).effect, "deny", args);
    }
    for (const args of ["--file", "-a", "d", "./*"]) assert.equal(checkLine(`x ${args}`, policy).effect, "allow", args);
  });

  it("names every thing that is wrong at once, with its place, in both languages", () => {
    const verdict = checkLine("rm x; PATH=. ls > /etc/x", observer);
    assert.deepEqual(
      verdict.findings.map(({ at, rule }) => [at, rule]),
      [
        [0, "default"],
        [6, "variables"],
        [16, "writing"],
      ],
    );
    for (const { what, instead } of verdict.findings) {
      assert.match(what.zh + instead.zh, /\p{Script=Han}/u);
      assert.ok(what.en.length > 0 && instead.en.length > 0);
    }
  });

  it("says when more lines could complete it", () => {
    for (const line of ["for f in a; do", "if true; then ls", "ls |", "echo 'a"]) {
      const verdict = checkLine(line, observer);
      assert.ok(verdict.effect === "deny" && verdict.isOpen, line);
    }
    const closed = checkLine("ls )", observer);
    assert.ok(closed.effect === "deny" && !closed.isOpen);
  });

  it("is bounded", () => {
    assert.equal(checkLine(`echo ${"a".repeat(20_000)}`, observer).effect, "deny");
    assert.equal(checkLine(`${"if true; then ".repeat(40)}ls${"; fi".repeat(40)}`, observer).effect, "deny");
    assert.equal(checkLine("ls;".repeat(600), observer).effect, "deny");
    const started = performance.now();
    checkLine(`grep ${"*a".repeat(8000)}`, observer);
    assert.ok(performance.now() - started < 1000);
  });
});
