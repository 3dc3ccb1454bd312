export { startCapture, type Capture, type CapturedSegment } from "./start-capture.ts";
