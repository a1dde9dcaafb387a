// The shapes that server and pages share, by their own names. They come from the server's OpenAPI document (`npm run types`).
import type { components } from "./api.d";

/** Everything is there in an answer: what has a default, too. */
type Full<T> = T extends object ? { [K in keyof T]-?: Full<T[K]> } : T;
type Schemas = components["schemas"];
type S = { [K in keyof Schemas]: Full<Schemas[K]> };

export type Outcome = RowLine["outcome"];
export type Role = Session["role"];
export type Problem = S["Problem"];
export type RunName = S["RunName"];
export type Session = S["Session"];
export type ReasonCount = S["ReasonCount"];
export type StepCount = S["StepCount"];
export type GateState = S["GateState"];
export type Overview = S["Overview"];
export type Message = S["Message"];
export type RowLine = S["RowLine"];
export type RowsPage = S["RowsPage"];
export type FacetValue = S["FacetValue"];
export type Facet = S["Facet"];
export type FacetList = S["FacetList"];
export type View = S["View-Output"];
export type Views = S["Views"];
export type StepWord = S["StepWord"];
export type Decided = S["Decided"];
export type RowLife = S["RowLife"];
export type Desk = S["Desk"];
export type Progress = S["Progress"];
export type Card = S["Card"];
export type Queue = S["Queue"];
export type Made = S["Made"];
export type Similar = S["Similar"];
export type Figure = S["Figure"];
export type ReviewerFigures = S["ReviewerFigures"];
export type Agreement = S["Agreement"];
export type Disagreement = S["Disagreement"];
export type Disagreements = S["Disagreements"];
export type ClusterExample = S["ClusterExample"];
export type ClusterCard = S["ClusterCard"];
export type ClusteringLine = S["ClusteringLine"];
export type Clusterings = S["Clusterings"];
export type ClusteringCards = S["ClusteringCards"];
export type FlowLink = S["FlowLink"];
export type ClusterFlow = S["ClusterFlow"];
export type BlindTest = S["BlindTest"];
export type TestResults = S["TestResults"];
export type MapTexts = S["MapTexts"];
export type PromptLine = S["PromptLine"];
export type Prompts = S["Prompts"];
export type Pilot = S["Pilot"];
export type CopyGroup = S["CopyGroup"];
export type CopyGroups = S["CopyGroups"];
export type LeakSpan = S["LeakSpan"];
export type Leaks = S["Leaks"];
export type Replaced = S["Replaced"];
export type Privacy = S["Privacy"];
export type PrivacyCard = S["PrivacyCard"];
export type PrivacySample = S["PrivacySample"];
export type DeliveredFile = S["DeliveredFile"];
export type Delivery = S["Delivery"];
export type Event = S["Event"];

/** What is sent: fields with a default may be left out. */
export type Decide = Partial<S["Decide"]> & Pick<S["Decide"], "kind" | "step">;
export type Bulk = Partial<S["Bulk"]> & Pick<S["Bulk"], "step">;
export type PrivacyCheck = Partial<S["PrivacyCheck"]> & Pick<S["PrivacyCheck"], "id">;
export type NewView = Partial<View> & Pick<View, "name">;
