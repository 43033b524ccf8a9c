/**
 * What files cost in tokens, as data. Rules for images are the providers' own, as far as their pages or measured counts
 * say; what a file does not tell before it is decoded (the pages of a PDF, the seconds of a recording) goes by its bytes.
 */

/** How a provider turns an image into tokens. */
export type ImageRule =
  /** A token for each patch, times a factor; the image is shrunk until its patches and its longer edge fit. */
  | {
      readonly _tag: "Patches"
      /** Pixels. */
      readonly edge: number
      readonly factor: number
      readonly maxPatches: number
      /** Pixels of the longer edge. */
      readonly maxEdge?: number
    }
  /** Shrunk to 2048 pixels square and 768 on the shorter edge, then a price for each tile of 512 and one for all. */
  | { readonly _tag: "Tiles"; readonly base: number; readonly perTile: number }
  /** The same for each tile, and for an image that is small both ways. */
  | { readonly _tag: "Crops"; readonly edge: number; readonly small: number; readonly tokens: number }
  | { readonly _tag: "Flat"; readonly tokens: number }

export interface Media {
  readonly image: ImageRule
  /** How far a count by that rule may be off: providers round, pad and shrink in ways of their own. */
  readonly imageMargin: number
  /** Tokens a page. */
  readonly pdfPage: number
  /** Tokens a second. */
  readonly audioSecond: number
  /** Tokens a second. */
  readonly videoSecond: number
}

/** Allowances, not measured: what the bytes of a file are taken to hold. */
export const bytesPerPdfPage = 50_000
/** 128 kbit/s. */
export const bytesPerAudioSecond = 16_000
/** 1 Mbit/s. */
export const bytesPerVideoSecond = 125_000
export const bytesPerTextToken = 4

/** An image whose size is not known counts as one of this many pixels each way. */
export const assumedEdge = 1024

/** How far a count by bytes, or of an unknown size, may be off: it may be nothing, or twice as much. */
export const guessMargin = 1

const patches = (factor: number, maxPatches: number): ImageRule => ({ _tag: "Patches", edge: 32, factor, maxPatches })
const tiles = (base: number, perTile: number): ImageRule => ({ _tag: "Tiles", base, perTile })

/** OpenAI's guide to images; the factor of 1.2 and its limits after published counts for GPT-5.5 and GPT-6. */
const openaiImages: ReadonlyArray<readonly [RegExp, ImageRule]> = [
  [/gpt-[6-9]/, patches(1.2, 12_000)],
  [/gpt-5\.[4-9]/, patches(1.2, 10_000)],
  [/gpt-(?:4\.1|5)-mini/, patches(1.62, 1536)],
  [/gpt-(?:4\.1|5)-nano/, patches(2.46, 1536)],
  [/o4-mini/, patches(1.72, 1536)],
  [/gpt-4o-mini/, tiles(2833, 5667)],
  [/gpt-5/, tiles(70, 140)],
  [/(?:^|\/)o[13]/, tiles(75, 150)]
]

/** PDF and audio of OpenAI are allowances: a page as its text and an image of it, a token for each 0.1 s of speech. */
const openai = (model: string): Media => ({
  image: openaiImages.find(([pattern]) => pattern.test(model))?.[1] ?? tiles(85, 170),
  imageMargin: 0.1,
  pdfPage: 1700,
  audioSecond: 10,
  videoSecond: 0
})

/** Google's pages on tokens and on media resolution. From Gemini 3 on, an image takes the same whatever its size. */
const gemini2: Media = {
  image: { _tag: "Crops", edge: 768, small: 384, tokens: 258 },
  imageMargin: 0.1,
  pdfPage: 258,
  audioSecond: 32,
  videoSecond: 263
}
const gemini3: Media = {
  image: { _tag: "Flat", tokens: 1120 },
  imageMargin: 0.1,
  pdfPage: 560,
  audioSecond: 32,
  videoSecond: 102
}

/**
 * Anthropic's guide to images. A page of a PDF is its text and an image of it; published counts are 1,600 to 2,500. Those
 * for images of more than two megapixels on Claude 5.5 are a third below what the guide's limits for 4.7 come to.
 */
const claude: Media = {
  image: { _tag: "Patches", edge: 28, factor: 1, maxPatches: 1568, maxEdge: 1568 },
  imageMargin: 0.1,
  pdfPage: 2300,
  audioSecond: 0,
  videoSecond: 0
}
const claude47: Media = {
  ...claude,
  image: { _tag: "Patches", edge: 28, factor: 1, maxPatches: 4784, maxEdge: 2576 },
  imageMargin: 0.4
}

/** What files cost the models of a family. */
export const of = (family: string, model: string): Media => {
  switch (family) {
    case "claude":
      return claude
    case "claude-4.7":
      return claude47
    case "gemini":
      return /gemini-[12]\./.test(model) ? gemini2 : gemini3
    case "other":
      return { ...openai(model), imageMargin: guessMargin }
    default:
      return openai(model)
  }
}
