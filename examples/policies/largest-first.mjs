// A selection policy of one's own, named in the server's settings:
//
//   policies: {largest-first: ./largest-first.mjs}
//   selection: {name: largest-first, options: {type: gpu}}
//
// The cluster with the most free vertices of one type is preferred; among equals the first by name. A policy is pure:
// it sees only `input`, and the same input gives the same order, so that a decision can be replayed.
export default {
  // Called at start, and for each job that brings options of its own. Throw, and that is the error its user sees.
  compile({ type = 'node' }) {
    if (!/^[a-z]+$/.test(type)) throw new Error(`type: "${type}" is no type of vertex`);
    return ({ contenders }) => {
      const free = (each) => Number(each.state[`rainbow_free_${type}`] ?? 0);
      const sorted = contenders.toSorted((a, b) => free(b) - free(a) || (a.cluster < b.cluster ? -1 : 1));
      return { order: sorted.map((each) => each.cluster), notes: [`largest-first: by free ${type}`] };
    };
  },
};
