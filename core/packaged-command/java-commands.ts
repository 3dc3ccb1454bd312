import type { PackagedCommand } from "./packaged-command.ts";
import { command, integer, pid } from "./shipped-parts.ts";

const seconds30 = 30_000;

/** A Java virtual machine, by its own tools (jcmd, jstat). */
export const javaCommands: readonly PackagedCommand[] = [
  command({
    name: "java-processes",
    summary: { en: "the Java virtual machines", zh: "Java 虚拟机" },
    argv: ["jcmd", "-l"],
    rows: { by: "columns", columns: ["pid", "class"], skipLines: 0 },
    examples: [
      { parameters: {}, argv: ["jcmd", "-l"], output: "1 app.Main\n", rows: [{ pid: "1", class: "app.Main" }] },
    ],
  }),
  command({
    name: "java-threads",
    summary: { en: "a thread dump with the locks", zh: "带锁信息的线程转储" },
    argv: ["jcmd", "{pid}", "Thread.print", "-l"],
    timeoutMs: seconds30,
    maxOutputBytes: 16_777_216,
    parameters: { pid },
    examples: [
      {
        parameters: {},
        argv: ["jcmd", "1", "Thread.print", "-l"],
        output: '"main" #1\n',
        rows: [{ line: '"main" #1' }],
      },
    ],
  }),
  command({
    name: "java-heap-histogram",
    summary: { en: "the classes that use most of the heap", zh: "占用堆最多的类" },
    argv: ["jcmd", "{pid}", "GC.class_histogram"],
    timeoutMs: seconds30,
    maxOutputBytes: 16_777_216,
    rows: { by: "columns", columns: ["rank", "instances", "bytes", "class"], skipLines: 3 },
    parameters: { pid },
    examples: [
      {
        parameters: {},
        argv: ["jcmd", "1", "GC.class_histogram"],
        output:
          "1:\n num     #instances         #bytes  class name (module)\n-----\n   1:            10            200  [B (java.base)\n",
        rows: [{ rank: "1:", instances: "10", bytes: "200", class: "[B (java.base)" }],
      },
    ],
  }),
  command({
    name: "java-heap",
    summary: { en: "the heap's use", zh: "堆的使用" },
    argv: ["jcmd", "{pid}", "GC.heap_info"],
    parameters: { pid },
    examples: [
      {
        parameters: {},
        argv: ["jcmd", "1", "GC.heap_info"],
        output: "1:\n garbage-first heap total 10K, used 5K\n",
        rows: [{ line: "1:" }, { line: " garbage-first heap total 10K, used 5K" }],
      },
    ],
  }),
  command({
    name: "java-gc",
    summary: { en: "garbage collection, sampled", zh: "垃圾回收采样" },
    argv: ["jstat", "-gcutil", "{pid}", "{intervalMs}", "{count}"],
    timeoutMs: 60_000,
    parameters: {
      pid,
      intervalMs: integer("between two samples, ms", "采样间隔（毫秒）", {
        minimum: 100,
        maximum: 5000,
        default: 1000,
      }),
      count: integer("how many samples", "采样次数", { minimum: 1, maximum: 10, default: 5 }),
    },
    examples: [
      {
        parameters: {},
        argv: ["jstat", "-gcutil", "1", "1000", "5"],
        output: "S0 S1\n0.0 9.9\n",
        rows: [{ line: "S0 S1" }, { line: "0.0 9.9" }],
      },
    ],
  }),
  command({
    name: "java-flags",
    summary: { en: "the options that the JVM runs with", zh: "JVM 运行参数" },
    argv: ["jcmd", "{pid}", "VM.flags"],
    parameters: { pid },
    examples: [
      {
        parameters: {},
        argv: ["jcmd", "1", "VM.flags"],
        output: "1:\n-XX:+UseG1GC\n",
        rows: [{ line: "1:" }, { line: "-XX:+UseG1GC" }],
      },
    ],
  }),
];
