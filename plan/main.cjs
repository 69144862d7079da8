require('../launcher.cjs')('plan', true);
