/** How newer tools are fetched for Runtime Manager alone, for the `next` of errors: two commands, one for each kind of installation. */
export const SET_UP = 'in a clone: npm run setup; installed: runtime-manager-setup';
