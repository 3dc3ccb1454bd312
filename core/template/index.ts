export { checkTemplate, isTimeZone, templateLimits } from "./check-template.ts";
export { checkParameters, checkParameterSchema, defaultsOf, maxParameters } from "./parameter-schema.ts";
export { instanceTexts, renderTemplate, type InstanceTexts } from "./render-template.ts";
export type {
  GracefulStop,
  ParameterProperty,
  ParameterSchema,
  ParameterValue,
  ParameterValues,
  Probe,
  Problem,
  TemplateFile,
  TemplateFolder,
  TemplatePort,
  TemplateSpec,
} from "./template-spec.ts";
