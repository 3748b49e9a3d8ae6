/**
 * Before each test file: property tests try the same cases each time, so that what passed once passes again; those of
 * another seed where RAINBOW_SEED says one, as `npm run soak` does with a new one each time.
 */
import { configureGlobal } from 'fast-check';
import { caseSeed } from '../src/core/translate/testing/cases.ts';

configureGlobal({ seed: caseSeed });
