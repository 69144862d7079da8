require('../launcher.cjs')('metadata');
