/** Version of the package; the bundler puts the number in. */
import packageJson from '../../package.json' with { type: 'json' };

export const VERSION = packageJson.version;
