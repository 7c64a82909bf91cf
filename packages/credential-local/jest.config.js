import { base } from '../../jest.config.base.js';

// Disks and other processes take the time they take.
export default { ...base, testTimeout: 60_000 };
