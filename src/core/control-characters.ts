/**
 * Characters that can make a line look like another one: controls (Unicode's Cc: escapes, line breaks, bells), the
 * separators of lines and paragraphs, and what turns the direction of text around (UAX #9, sections 2.1 to 2.5:
 * embeddings, overrides, isolates). The server refuses them in names, the command line prints none from elsewhere.
 */
export const CONTROL = /[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/u;
