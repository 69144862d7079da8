require('../launcher.cjs')('merge', true);
